import { refuse } from '../../core/errors.ts';

/** The lines `name=value` of a part of the file. */
export type Fields = ReadonlyMap<string, string>;

/** The parts of a model's text. */
export interface ModelText {
  readonly header: Fields;
  readonly trees: readonly Fields[];
  /** The values of the categories of pandas, as JSON; undefined when the columns held numbers. */
  readonly pandasCategorical: string | undefined;
}

export const failDamaged = (problem: string): never =>
  refuse('MODEL_INVALID', `LightGBM: ${problem}: the file is damaged, save it again with booster.save_model("x.txt")`);

const toFields = (lines: string): Fields =>
  new Map(
    lines.split('\n').map((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );

const END = '\nend of trees';

const readText = (bytes: Buffer): string => {
  try {
    return bytes
      .toString()
      .replace(/^\ufeff/, '')
      .replaceAll('\r\n', '\n');
  } catch {
    return refuse(
      'MODEL_INVALID',
      `LightGBM: the text of ${bytes.length} bytes is longer than 512 MB: train fewer trees`,
    );
  }
};

/** The trees of `text` from `start` on, each as long as `sizes` says. */
const cutTrees = (text: string, start: number, sizes: readonly number[]): Fields[] => {
  let at = start;
  const trees = sizes.map((size, index) => {
    const tree = text.slice(at, at + size);
    if (!tree.startsWith(`Tree=${index}\n`) || tree.length !== size)
      failDamaged(`tree ${index} of ${sizes.length} is not where tree_sizes has it`);
    at += size;
    return toFields(tree);
  });
  return text.startsWith(END.trim(), at) ? trees : failDamaged(`it does not end after ${sizes.length} trees`);
};

/** The last line of a whole file: of Python, of the other interfaces, or of an importance. */
const LAST_LINE = /(?:^|\n)(?:pandas_categorical:.*|end of parameters|end of trees|[^\n=]+=\d+)\s*$/;

/**
 * Cuts the text of a model, with either line end, into its parts.
 * @throws `MODEL_INVALID` when it is no text of LightGBM, was cut short, or its trees have other lengths than it says
 */
export const readModelText = (bytes: Buffer): ModelText => {
  const text = readText(bytes);
  if (!/^tree\n/.test(text))
    refuse(
      'MODEL_INVALID',
      'LightGBM: the text does not begin with "tree": save the model with booster.save_model("x.txt")',
    );
  const start = /^Tree=0$/m.exec(text)?.index ?? text.indexOf(END) + 1;
  const header = toFields(text.slice(0, start));
  const sizes = readList(header.get('tree_sizes') ?? failDamaged('it has no tree_sizes'));
  if (sizes.length === 0) refuse('MODEL_INVALID', 'LightGBM: the model has no trees: train it before it is saved');
  const trees = cutTrees(text, start, sizes);
  const end = text.slice(text.lastIndexOf(END));
  if (!LAST_LINE.test(end) || (end.includes('\nparameters:') && !end.includes('\nend of parameters')))
    failDamaged('it ends within its parameters');
  return { header, trees, pandasCategorical: /^pandas_categorical:(.*)$/m.exec(text)?.[1] };
};

const WORDS: Readonly<Record<string, number>> = {
  ...{ inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY, nan: Number.NaN, '-nan': Number.NaN },
};

const readNumber = (word: string): number => {
  const number = WORDS[word] ?? Number(word);
  return Number.isNaN(number) && !(word in WORDS)
    ? failDamaged(`${JSON.stringify(word.slice(0, 40))} is no number`)
    : number;
};

/** Numbers with blanks between them; C++ writes infinity as `inf`. */
export const readList = (text: string): number[] => (text.trim() === '' ? [] : text.trim().split(/ +/).map(readNumber));

/** The numbers of a field, of which there must be `count`. */
export const readNumbers = (fields: Fields, name: string, count: number): number[] => {
  const numbers = readList(fields.get(name) ?? '');
  return numbers.length === count
    ? numbers
    : failDamaged(`${name} of tree ${fields.get('Tree')} has ${numbers.length} numbers, expected ${count}`);
};
