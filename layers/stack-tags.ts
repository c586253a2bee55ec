import { show } from '../src/core/show.ts';

/** CloudFormation's limits. */
const [MOST_TAGS, LONGEST_NAME, LONGEST_VALUE] = [50, 128, 256];
const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+@-]+$/u;

const refuse = (part: string, expected: string): never => {
  throw new Error(`the parameter tags has ${show(part)}, expected ${expected}`);
};

const parseTag = (part: string): readonly [name: string, value: string] => {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/.exec(part) ?? [];
  if (name === '' || /^aws:/i.test(name)) refuse(part, '<name>=<value>, and names that do not begin with aws:');
  if (!CHARACTERS.test(part)) refuse(part, 'letters, digits, spaces, and _ . : / = + - @');
  if (name.length > LONGEST_NAME || value.length > LONGEST_VALUE)
    refuse(part, `a name of up to ${LONGEST_NAME} characters and a value of up to ${LONGEST_VALUE}`);
  return [name, value];
};

/** Reads the stage parameter `tags`, such as `team=vision,project=7`. @throws Error that quotes what is no tag */
export const parseStackTags = (text: string): Record<string, string> => {
  const tags = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseTag);
  const names = tags.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) refuse(twice, 'each name once');
  if (tags.length > MOST_TAGS) refuse(text, `up to ${MOST_TAGS} tags`);
  return Object.fromEntries(tags);
};
