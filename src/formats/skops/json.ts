import { refuse } from '../refuse.ts';

/** Brackets within brackets; a node has two, and its dict or list one more. `JSON.parse` takes 70 bytes for each that is open. */
const DEEPEST = 2000;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** @throws `MODEL_INVALID` when lists and objects of JSON lie in each other deeper than any schema has them */
const assertDepth = (json: Buffer): void => {
  let [depth, isQuoted] = [0, false];
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index];
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (isQuoted) index += byte === BACKSLASH ? 1 : 0;
    else if (byte === 0x5b || byte === 0x7b) depth += 1;
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    if (depth > DEEPEST) refuse(`schema.json has brackets within brackets, more than ${DEEPEST} deep`);
  }
};

/** A value of JSON in a schema. @throws `MODEL_INVALID` */
export const parseJson = (content: Buffer): unknown => {
  assertDepth(content);
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (error) {
    return refuse('schema.json is no JSON, or was cut short; copy the file again as a binary file', error);
  }
};
