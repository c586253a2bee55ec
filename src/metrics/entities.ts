import { type Figures, ratio, type Scoring, scoreSums } from './scoring.ts';

/** A labelled part of a text or of a list of tokens: from `start` to before `end`. */
export interface Entity {
  readonly label: string;
  readonly start: number;
  readonly end: number;
}

/** The entities of one sample. */
export interface Recognised {
  readonly truth: readonly Entity[];
  readonly predicted: readonly Entity[];
}

const [OUTSIDE, ENDINGS] = ['O', ['E', 'S']];

const parseTag = (tag: string): { readonly prefix: string; readonly label: string } => {
  const rest = tag.slice(1);
  const dash = rest.indexOf('-');
  return { prefix: tag.slice(0, 1) || OUTSIDE, label: (dash < 0 ? rest : rest.slice(dash + 1)) || '_' };
};

/**
 * The entities of tags such as `B-PER`, by their places in the list.
 *
 * By default as `conlleval` and seqeval find them: an `I-` that follows no tag of its label begins an entity too. `strict` follows IOB2
 * alone, as seqeval's `mode='strict', scheme=IOB2`: only `B-` begins one.
 */
export const entitiesOf = (tags: readonly string[], { strict = false } = {}): Entity[] => {
  const entities: Entity[] = [];
  let open: { label: string; start: number; isWhole: boolean } | undefined;
  tags.forEach((tag, index) => {
    const { prefix, label } = parseTag(tag);
    const goesOn =
      open !== undefined &&
      !open.isWhole &&
      open.label === label &&
      prefix !== OUTSIDE &&
      prefix !== 'B' &&
      prefix !== 'S';
    if (goesOn && open) {
      open.isWhole = ENDINGS.includes(prefix);
      return;
    }
    if (open) entities.push({ label: open.label, start: open.start, end: index });
    const begins = prefix !== OUTSIDE && (!strict || prefix === 'B');
    open = begins ? { label, start: index, isWhole: ENDINGS.includes(prefix) } : undefined;
  });
  if (open) entities.push({ label: open.label, start: open.start, end: tags.length });
  return entities;
};

const keyOf = ({ label, start, end }: Entity): string => `${start} ${end} ${label}`;

/** The figures of one label, or of all together: predicted entities count that have a true one's label and place. */
const figuresOf = (hits: number, predicted: number, true_: number): Figures => {
  const [precision, recall] = [ratio(hits, predicted), ratio(hits, true_)];
  return { precision, recall, f1: ratio(2 * precision * recall, precision + recall) };
};

/**
 * Precision, recall and F1 of all entities together (micro), the mean F1 of the labels (macro), and the three of each label as
 * `<label>: f1`, as seqeval defines them.
 */
export const scoreEntities = (samples: readonly Recognised[]): Scoring => {
  const all = samples.flatMap(({ truth, predicted }) => [...truth, ...predicted]);
  const labels = [...new Set(all.map(({ label }) => label))].sort();
  const columnOf = new Map(labels.map((label, index) => [label, index * 3]));
  const rows = samples.map(({ truth, predicted }) => {
    const row = new Array<number>(labels.length * 3).fill(0);
    const add = (label: string, kind: number): void => {
      const column = (columnOf.get(label) ?? 0) + kind;
      row[column] = (row[column] ?? 0) + 1;
    };
    const truths = new Map(truth.map((entity) => [keyOf(entity), entity]));
    for (const [key, { label }] of new Map(predicted.map((entity) => [keyOf(entity), entity]))) {
      add(label, 1);
      if (truths.has(key)) add(label, 0);
    }
    for (const { label } of truths.values()) add(label, 2);
    return row;
  });
  return scoreSums(rows, (sums) => {
    const totals = [0, 1, 2].map((kind) => sums.reduce((sum, value, at) => sum + (at % 3 === kind ? value : 0), 0));
    const byLabel = labels.map((_, index) =>
      figuresOf(sums[index * 3] ?? 0, sums[index * 3 + 1] ?? 0, sums[index * 3 + 2] ?? 0),
    );
    return {
      ...figuresOf(totals[0] ?? 0, totals[1] ?? 0, totals[2] ?? 0),
      macroF1: ratio(
        byLabel.reduce((sum, { f1 = 0 }) => sum + f1, 0),
        labels.length,
      ),
      ...Object.fromEntries(
        labels.flatMap((label, index) =>
          Object.entries(byLabel[index] ?? {}).map(([name, value]) => [`${label}: ${name}`, value]),
        ),
      ),
    };
  });
};
