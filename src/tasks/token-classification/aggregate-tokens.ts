import { argMax } from '../../core/arg-max.ts';
import type { ClassifiedToken } from './classified-tokens.ts';

/** Ways from tokens to entities: `aggregation_strategy` of the Hugging Face pipeline. */
export const AGGREGATION_STRATEGIES = ['none', 'simple', 'first', 'average', 'max'] as const;

export type AggregationStrategy = (typeof AGGREGATION_STRATEGIES)[number];

interface Labelled {
  readonly score: number;
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** A token, for the strategy `none`. */
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
  /** Joins tokens to the text that they stand for. */
  readonly toText: (tokens: readonly string[]) => string;
  /** Scores float32[L] of the logits of a token. */
  readonly toScores: (logits: Float32Array) => Float32Array;
}

export interface Aggregation extends Vocabulary {
  readonly strategy: AggregationStrategy;
  /** Entities of these labels, without `B-` or `I-` where tokens are grouped, are left out. */
  readonly ignoredLabels: ReadonlySet<string>;
}

const largest = (scores: Float32Array): number => scores[argMax(scores)] ?? 0;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Items that belong together, in their order; at least one. */
type Group<T> = readonly [first: T, ...others: T[]];

/** The scores of a word of several tokens. */
const WORD_SCORES: Record<'first' | 'average' | 'max', (tokens: Group<Float32Array>) => Float32Array> = {
  first: ([first]) => first,
  average: (tokens) => tokens[0].map((_, label) => mean(tokens.map((scores) => scores[label] ?? 0))),
  max: (tokens) => tokens.reduce((best, scores) => (largest(scores) > largest(best) ? scores : best)),
};

/** Cuts `items` before each item that does not belong to the previous one. */
const gather = <T>(items: readonly T[], belongs: (item: T, previous: T) => boolean): Group<T>[] => {
  const groups: { members: [T, ...T[]]; last: T }[] = [];
  for (const item of items) {
    const group = groups.at(-1);
    if (group !== undefined && belongs(item, group.last)) {
      group.members.push(item);
      group.last = item;
    } else groups.push({ members: [item], last: item });
  }
  return groups.map(({ members }) => members);
};

const span = ([first, ...others]: Group<Pick<Labelled, 'start' | 'end'>>) => ({
  start: first.start,
  end: (others.at(-1) ?? first).end,
});

const mapGroup = <T, U>([first, ...others]: Group<T>, map: (item: T) => U): Group<U> => [
  map(first),
  ...others.map(map),
];

const nameOf = (label: number, { labels }: Vocabulary): string => labels[label] ?? `LABEL_${label}`;

const decideWords = (
  tokens: readonly ClassifiedToken[],
  strategy: keyof typeof WORD_SCORES,
  vocabulary: Vocabulary,
): Decided[] =>
  gather(tokens, ({ isSubword }) => isSubword).map((word) => {
    const scores = WORD_SCORES[strategy](mapGroup(word, ({ logits }) => vocabulary.toScores(logits)));
    const label = argMax(scores);
    return {
      entity: nameOf(label, vocabulary),
      score: scores[label] ?? 0,
      word: vocabulary.toText(word.map((token) => token.word)),
      ...span(word),
    };
  });

const decideTokens = (tokens: readonly ClassifiedToken[], vocabulary: Vocabulary): TokenEntity[] =>
  tokens.map(({ logits, word, start, end, index }) => {
    const scores = vocabulary.toScores(logits);
    const label = argMax(scores);
    return { entity: nameOf(label, vocabulary), score: scores[label] ?? 0, index, word, start, end };
  });

/** `B-PER` begins a `PER`; `I-PER`, or a label without a prefix, goes on with it. */
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

/**
 * A function that counts the characters (code points) of an entity of `text`, as Python does. All positions are counted once, since entities of
 * a hostile text can be long.
 */
const createMeasure = (text: string): ((entity: Labelled) => number) => {
  const before = new Uint32Array(text.length + 1);
  let count = 0;
  for (let unit = 0; unit < text.length; unit++) {
    const isSecondHalf = (text.charCodeAt(unit) & 0xfc00) === 0xdc00;
    count += isSecondHalf ? 0 : 1;
    before[unit + 1] = count;
  }
  return ({ start, end }) => (before[end] ?? count) - (before[start] ?? count);
};

/**
 * The entities of overlapping windows, by their place in the text. The longest of overlapping entities remains, and the entity with the best
 * score of equally long ones (`aggregate_overlapping_entities`).
 */
const mergeGroups = (groups: readonly EntityGroup[], text: string): EntityGroup[] => {
  const lengthOf = createMeasure(text);
  const sorted = groups.toSorted((a, b) => a.start - b.start);
  const [first] = sorted;
  if (first === undefined) return [];
  const kept: EntityGroup[] = [];
  let current = first;
  // The first is compared with itself, as in transformers: an entity without width, a byte-level token of a space, stays twice.
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

/** Each token once, from the window that gives it the best score. */
const mergeTokens = (tokens: readonly TokenEntity[]): TokenEntity[] => {
  const byIndex = new Map<number, TokenEntity>();
  for (const token of tokens) {
    const known = byIndex.get(token.index);
    if (known === undefined || token.score > known.score) byIndex.set(token.index, token);
  }
  return [...byIndex.values()];
};

/**
 * The entities of `text` from the tokens of its windows, as `TokenClassificationPipeline` of `transformers` 4.57 finds them. Its strategy `none`
 * takes a single window; here each token of a text of several windows is answered once.
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
