import { softmax } from '../scores.ts';

/** How the tokens of a text become its answer, as `aggregation_strategy` of the Hugging Face pipeline. */
export const AGGREGATION_STRATEGIES = ['none', 'simple', 'first', 'average', 'max'] as const;

export type AggregationStrategy = (typeof AGGREGATION_STRATEGIES)[number];

/** A token of the text and what the model says of it. */
export interface ClassifiedToken {
  /** As the vocabulary writes it, such as `##ing`; the text itself where the vocabulary has nothing for it. */
  readonly word: string;
  /** float32[L] by label. */
  readonly logits: Float32Array;
  /** Place in the caller's own text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Place among the tokens of the text, the special ones counted too. */
  readonly index: number;
  /** Whether it goes on with the word of the token before. */
  readonly isSubword: boolean;
}

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
interface Decided extends Labelled {
  readonly label: number;
}

interface Vocabulary {
  /** Label of each class, by index. */
  readonly labels: readonly string[];
  /** Tokens as they read together. */
  readonly toText: (tokens: readonly string[]) => string;
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

const decideWords = (
  tokens: readonly ClassifiedToken[],
  strategy: keyof typeof WORD_SCORES,
  { toText }: Vocabulary,
): Decided[] =>
  gather(tokens, ({ isSubword }) => isSubword).map((word) => {
    const scores = WORD_SCORES[strategy](word.map(({ logits }) => softmax(logits)));
    const label = argMax(scores);
    return { label, score: scores[label] as number, word: toText(word.map((token) => token.word)), ...span(word) };
  });

const decideTokens = (tokens: readonly ClassifiedToken[]): (Decided & { index: number })[] =>
  tokens.map(({ logits, word, start, end, index }) => {
    const scores = softmax(logits);
    const label = argMax(scores);
    return { label, score: scores[label] as number, word, start, end, index };
  });

/** `B-PER` begins a `PER`; `I-PER` goes on with one, and so does a label without either prefix. */
const parseLabel = (label: string): { begins: boolean; tag: string } => ({
  begins: label.startsWith('B-'),
  tag: /^[BI]-/.test(label) ? label.slice(2) : label,
});

const group = (decided: readonly Decided[], { labels, toText }: Vocabulary): EntityGroup[] => {
  const nameOf = ({ label }: Decided): string => labels[label] ?? `LABEL_${label}`;
  const goesOn = (one: Decided, previous: Decided): boolean => {
    const { begins, tag } = parseLabel(nameOf(one));
    return !begins && tag === parseLabel(nameOf(previous)).tag;
  };
  return gather(decided, goesOn).map((members) => ({
    entity_group: nameOf(members[0]).replace(/^[^-]*-/, ''),
    score: mean(members.map(({ score }) => score)),
    word: toText(members.map(({ word }) => word)),
    ...span(members),
  }));
};

/**
 * The entities of one window of a text, as `TokenClassificationPipeline` of `transformers` 4.57 finds them
 * (`gather_pre_entities`, `aggregate`), before any label is ignored.
 */
export const aggregateTokens = (
  tokens: readonly ClassifiedToken[],
  strategy: AggregationStrategy,
  vocabulary: Vocabulary,
): Entity[] => {
  switch (strategy) {
    case 'none':
      return decideTokens(tokens).map(({ label, ...token }) => ({
        entity: vocabulary.labels[label] ?? `LABEL_${label}`,
        ...token,
      }));
    case 'simple':
      return group(decideTokens(tokens), vocabulary);
    default:
      return group(decideWords(tokens, strategy, vocabulary), vocabulary);
  }
};

/**
 * What remains of the entities of overlapping windows, by their place in the text: of those that begin within another the longest, and
 * the surest of equally long ones (`aggregate_overlapping_entities`).
 */
export const mergeOverlapping = <E extends Entity>(entities: readonly E[]): E[] => {
  const [first, ...others] = entities.toSorted((a, b) => a.start - b.start);
  if (first === undefined) return [];
  const kept: E[] = [];
  let current = first;
  for (const entity of others) {
    if (entity.start >= current.end) {
      kept.push(current);
      current = entity;
      continue;
    }
    const longer = entity.end - entity.start - (current.end - current.start);
    if (longer > 0 || (longer === 0 && entity.score > current.score)) current = entity;
  }
  return [...kept, current];
};
