import { resolve } from 'node:path';
import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { entitiesOf } from '../../metrics/entities.ts';
import type { Sample, SampleInput } from './sample.ts';

/** Fields that hold the right answer, unless `--label` names another one. */
export const LABEL_FIELDS = ['label', 'labels', 'value', 'target'] as const;
/** Fields that hold the path of a file; `file_name` is the name in data sets of Hugging Face. */
const FILE_FIELDS = ['file', 'file_name'] as const;

type Fields = Readonly<Record<string, unknown>>;

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string');

/** A text of `tokens`, and the places of the entities that their tags mark. */
const fromTokens = (tokens: readonly string[], tags: unknown, place: string): Pick<Sample, 'input' | 'label'> => {
  const input = { json: tokens.join(' ') };
  if (!isStrings(tags)) return { input, label: tags };
  if (tags.length !== tokens.length)
    return refuse(
      'INVALID_INPUT',
      `${place} has ${tokens.length} tokens and ${tags.length} labels, expected one for each`,
    );
  const starts: number[] = [];
  let end = 0;
  for (const token of tokens) {
    starts.push(end);
    end += token.length + 1;
  }
  const label = entitiesOf(tags).map((entity) => ({
    label: entity.label,
    start: starts[entity.start] ?? 0,
    end: (starts[entity.end - 1] ?? 0) + (tokens[entity.end - 1]?.length ?? 0),
  }));
  return { input, label };
};

const toInput = (rest: Fields, folder: string, place: string): SampleInput => {
  const fileField = FILE_FIELDS.find((name) => Object.hasOwn(rest, name));
  if (fileField !== undefined) {
    const path = rest[fileField];
    if (typeof path !== 'string' || path === '')
      return refuse('INVALID_INPUT', `${place}: "${fileField}" is ${show(path)}, expected the path of a file`);
    return { file: resolve(folder, path) };
  }
  if (Object.hasOwn(rest, 'inputs')) return { json: rest.inputs };
  const [name, ...others] = Object.keys(rest);
  if (name === undefined)
    return refuse('INVALID_INPUT', `${place} has no input: expected "inputs", "file", "text", or columns of a table`);
  return { json: name === 'text' && others.length === 0 ? rest.text : rest };
};

/**
 * A sample of the fields of a line. The label is the field `labelField`, or the first of `LABEL_FIELDS` that is there. The input is `tokens`,
 * `file`, `inputs` or `text` alone; otherwise it is the row of the other fields.
 * @param folder paths of files are relative to it
 * @throws `INVALID_INPUT`
 */
export const toSample = (
  fields: Fields,
  labelField: string | undefined,
  folder: string,
  at: Pick<Sample, 'place' | 'endBytes'>,
): Sample => {
  const chosen = labelField ?? LABEL_FIELDS.find((name) => Object.hasOwn(fields, name)) ?? '';
  const { [chosen]: value, ...rest } = fields;
  const label = value === null || value === '' ? undefined : value;
  const sample = { ...at, fields: Object.keys(fields) };
  if (isStrings(rest.tokens)) return { ...sample, ...fromTokens(rest.tokens, label, at.place) };
  return { ...sample, input: toInput(rest, folder, at.place), label };
};
