import { softmax } from '../scores.ts';
import type { ClassifiedToken } from './classified-tokens.ts';

/** How the tokens of a text become its answer, as `aggregation_strategy` of the Hugging Face pipeline. */
export const AGGREGATION_STRATEGIES = ['none', 'simple', 'first', 'average', 'max'] as const;

export type AggregationStrategy = (typeof AGGREGATION_STRATEGIES)[number];

interface Labelled {
  readonly score: number;
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** One token, for the strategy `none`. */
export interface TokenEntity extends Labelled {
  readonly entity: string;
  readonly index: number;
}

/** Neighbouring tokens of one label, for every other strategy. */
export interface EntityGroup extends Labelled {
  readonly entity_group: string;
}

export type Entity = TokenEntity | EntityGroup;

/** A token or a word whose label is decided, `B-` or `I-` included. */
type Decided = Omit<TokenEntity, 'index'>;

interface Vocabulary {
  /** Label of each class, by index. */
  readonly labels: readonly string[];
  /** Tokens as they read together. */
  readonly toText: (tokens: readonly string[]) => string;
}

export interface Aggregation extends Vocabulary {
  readonly strategy: AggregationStrategy;
  /** Entities of these labels, without `B-` or `I-` where tokens are grouped, are left out. */
  readonly ignoredLabels: ReadonlySet<string>;
}

/** Index of the largest; the first of equal ones. */
const argMax = (scores: Float32Array): number =>
  scores.reduce((best, score, index) => (score > (scores[best] as number) ? index : best), 0);

const largest = (scores: Float32Array): number => scores[argMax(scores)] as number;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The scores that speak for a word of several tokens. */
const WORD_SCORES: Record<'first' | 'average' | 'max', (tokens: readonly Float32Array[]) => Float32Array> = {
  first: ([first]) => first as Float32Array,
  average: (tokens) =>
    (tokens[0] as Float32Array).map((_, label) => mean(tokens.map((scores) => scores[label] as number))),
  max: (tokens) => tokens.reduce((best, scores) => (largest(scores) > largest(best) ? scores : best)),
};

/** Cuts `items` before each one that does not belong to what was gathered so far. */
const gather = <T>(items: readonly T[], belongs: (item: T, previous: T) => boolean): [T, ...T[]][] => {
  const groups: [T, ...T[]][] = [];
  let previous: T | undefined;
  for (const item of items) {
    const group = groups.at(-1);
    if (group !== undefined && belongs(item, previous as T)) group.push(item);
    else groups.push([item]);
    previous = item;
  }
  return groups;
};

const span = <T extends Pick<Labelled, 'start' | 'end'>>(parts: readonly [T, ...T[]]) => ({
  start: parts[0].start,
  end: (parts.at(-1) as T).end,
});

const nameOf = (label: number, { labels }: Vocabulary): string => labels[label] ?? `LABEL_${label}`;

const decideWords = (
  tokens: readonly ClassifiedToken[],
  strategy: keyof typeof WORD_SCORES,
  vocabulary: Vocabulary,
): Decided[] =>
  gather(tokens, ({ isSubword }) => isSubword).map((word) => {
    const scores = WORD_SCORES[strategy](word.map(({ logits }) => softmax(logits)));
    const label = argMax(scores);
    return {
      entity: nameOf(label, vocabulary),
      score: scores[label] as number,
      word: vocabulary.toText(word.map((token) => token.word)),
      ...span(word),
    };
  });

const decideTokens = (tokens: readonly ClassifiedToken[], vocabulary: Vocabulary): TokenEntity[] =>
  tokens.map(({ logits, word, start, end, index }) => {
    const scores = softmax(logits);
    const label = argMax(scores);
    return { entity: nameOf(label, vocabulary), score: scores[label] as number, index, word, start, end };
  });

/** `B-PER` begins a `PER`; `I-PER` goes on with one, and so does a label without either prefix. */
const parseLabel = (label: string): { begins: boolean; tag: string } => ({
  begins: label.startsWith('B-'),
  tag: /^[BI]-/.test(label) ? label.slice(2) : label,
});

const group = (decided: readonly Decided[], { toText }: Vocabulary): EntityGroup[] => {
  const goesOn = ({ entity }: Decided, previous: Decided): boolean => {
    const { begins, tag } = parseLabel(entity);
    return !begins && tag === parseLabel(previous.entity).tag;
  };
  return gather(decided, goesOn).map((members) => ({
    entity_group: members[0].entity.replace(/^[^-]*-/, ''),
    score: mean(members.map(({ score }) => score)),
    word: toText(members.map(({ word }) => word)),
    ...span(members),
  }));
};

/** How many characters (code points) an entity of `text` has, as Python counts. Counted once for all, since entities of a hostile text can be long. */
const createMeasure = (text: string): ((entity: Labelled) => number) => {
  const before = new Uint32Array(text.length + 1);
  for (let unit = 0; unit < text.length; unit++) {
    const isSecondHalf = (text.charCodeAt(unit) & 0xfc00) === 0xdc00;
    before[unit + 1] = (before[unit] as number) + (isSecondHalf ? 0 : 1);
  }
  return ({ start, end }) => (before[end] as number) - (before[start] as number);
};

/**
 * What remains of the entities of overlapping windows, by their place in the text: of those that begin within another the longest, and
 * the surest of equally long ones (`aggregate_overlapping_entities`).
 */
const mergeGroups = (groups: readonly EntityGroup[], text: string): EntityGroup[] => {
  const lengthOf = createMeasure(text);
  const sorted = groups.toSorted((a, b) => a.start - b.start);
  const [first] = sorted;
  if (first === undefined) return [];
  const kept: EntityGroup[] = [];
  let current = first;
  // The first is compared with itself, as there: one without width, which byte-level tokens of a space are, stays twice.
  for (const entity of sorted) {
    if (entity.start >= current.end) {
      kept.push(current);
      current = entity;
      continue;
    }
    const longer = lengthOf(entity) - lengthOf(current);
    if (longer > 0 || (longer === 0 && entity.score > current.score)) current = entity;
  }
  return [...kept, current];
};

/** Each token once, as the window says that is surest of it. */
const mergeTokens = (tokens: readonly TokenEntity[]): TokenEntity[] => {
  const byIndex = new Map<number, TokenEntity>();
  for (const token of tokens) {
    const known = byIndex.get(token.index);
    if (known === undefined || token.score > known.score) byIndex.set(token.index, token);
  }
  return [...byIndex.values()];
};

/**
 * The entities of `text` from the tokens of its windows, one window when the text is not long, as `TokenClassificationPipeline` of
 * `transformers` 4.57 finds them. With the strategy `none` that takes one window only; here each token of a long text is told once.
 */
export const aggregateTokens = (
  windows: readonly (readonly ClassifiedToken[])[],
  text: string,
  { strategy, ignoredLabels, ...vocabulary }: Aggregation,
): Entity[] => {
  if (strategy === 'none')
    return mergeTokens(windows.flatMap((tokens) => decideTokens(tokens, vocabulary))).filter(
      ({ entity }) => !ignoredLabels.has(entity),
    );
  const groups = windows.flatMap((tokens) =>
    group(
      strategy === 'simple' ? decideTokens(tokens, vocabulary) : decideWords(tokens, strategy, vocabulary),
      vocabulary,
    ),
  );
  const remaining = groups.filter(({ entity_group }) => !ignoredLabels.has(entity_group));
  return windows.length > 1 ? mergeGroups(remaining, text) : remaining;
};
