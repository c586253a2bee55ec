import { describe, expect, it } from '@jest/globals';
import { softmax } from '../../../../src/tasks/scores.ts';
import {
  type AggregationStrategy,
  aggregateTokens,
  type EntityGroup,
} from '../../../../src/tasks/token-classification/aggregate-tokens.ts';
import type { ClassifiedToken } from '../../../../src/tasks/token-classification/classified-tokens.ts';

const LABELS = ['O', 'B-PER', 'I-PER', 'LOC'];
const everything = {
  labels: LABELS,
  ignoredLabels: new Set<string>(),
  toScores: softmax,
  toText: (tokens: readonly string[]) => tokens.join(' ').replaceAll(' ##', ''),
};

const TEXT = 'Al Bo Cy Di Ed Fi';

/** Tokens of two characters each, with the probabilities of the labels named; the others share what remains. */
const token = (word: string, index: number, scores: Readonly<Record<string, number>>): ClassifiedToken => {
  const rest = 1 - Object.values(scores).reduce((sum, score) => sum + score, 0);
  const others = LABELS.length - Object.keys(scores).length;
  const logits = Float32Array.from(LABELS, (label) => Math.log(scores[label] ?? rest / others));
  return { word, logits, start: index * 3, end: index * 3 + 2, index, isSubword: word.startsWith('##') };
};

const summarise = (tokens: readonly ClassifiedToken[], strategy: AggregationStrategy) =>
  (aggregateTokens([tokens], TEXT, { ...everything, strategy }) as EntityGroup[]).map(
    ({ entity_group, word, start, end, score }) => `${entity_group} ${word} ${start}-${end} ${score.toFixed(2)}`,
  );

const SPLIT_NAME = [
  token('Sa', 0, { 'B-PER': 0.6, O: 0.3 }),
  token('##rah', 1, { O: 0.9 }),
  token('##x', 2, { LOC: 0.7, 'I-PER': 0.2 }),
];

describe('aggregated tokens', () => {
  it('stay as they are, with their labels, when nothing is aggregated', () => {
    expect(aggregateTokens([SPLIT_NAME.slice(0, 2)], TEXT, { ...everything, strategy: 'none' })).toEqual([
      { entity: 'B-PER', score: expect.closeTo(0.6), word: 'Sa', start: 0, end: 2, index: 0 },
      { entity: 'O', score: expect.closeTo(0.9), word: '##rah', start: 3, end: 5, index: 1 },
    ]);
  });

  it.each<[AggregationStrategy, string[]]>([
    ['simple', ['PER Sa 0-2 0.60', 'O ##rah 3-5 0.90', 'LOC ##x 6-8 0.70']],
    ['first', ['PER Sarahx 0-8 0.60']],
    ['max', ['O Sarahx 0-8 0.90']],
    ['average', ['O Sarahx 0-8 0.42']],
  ])('of a word that its tokens label differently are, by %s', (strategy, expected) => {
    expect(summarise(SPLIT_NAME, strategy)).toEqual(expected);
  });

  it('are joined while the label goes on, and parted where it begins anew', () => {
    const names = [
      token('Al', 0, { 'B-PER': 0.5 }),
      token('Bo', 1, { 'I-PER': 0.7 }),
      token('Cy', 2, { 'B-PER': 0.8 }),
      token('Di', 3, { LOC: 0.6 }),
      token('Ed', 4, { LOC: 0.8 }),
    ];

    expect(summarise(names, 'simple')).toEqual(['PER Al Bo 0-5 0.60', 'PER Cy 6-8 0.80', 'LOC Di Ed 9-14 0.70']);
  });

  it('are none of no tokens', () => {
    expect(summarise([], 'simple')).toEqual([]);
    expect(summarise([], 'max')).toEqual([]);
  });

  it('begin a word even where the first is the rest of one', () => {
    expect(summarise([token('##ah', 0, { LOC: 0.9 }), token('Al', 1, { O: 0.9 })], 'first')).toEqual([
      'LOC ##ah 0-2 0.90',
      'O Al 3-5 0.90',
    ]);
  });

  it('take the first of equally likely labels', () => {
    expect(summarise([token('Al', 0, { 'I-PER': 0.4, LOC: 0.4 })], 'simple')).toEqual(['PER Al 0-2 0.40']);
  });
});

describe('labels to ignore', () => {
  const tokens = [token('Al', 0, { 'B-PER': 0.9 }), token('Bo', 1, { LOC: 0.9 })];
  const ignoring = (label: string, strategy: AggregationStrategy) =>
    aggregateTokens([tokens], TEXT, { ...everything, ignoredLabels: new Set([label]), strategy }).map(
      ({ word }) => word,
    );

  it('are those of tokens as the model names them, and of groups without what begins them', () => {
    expect(ignoring('B-PER', 'none')).toEqual(['Bo']);
    expect(ignoring('PER', 'none')).toEqual(['Al', 'Bo']);
    expect(ignoring('PER', 'simple')).toEqual(['Bo']);
    expect(ignoring('B-PER', 'simple')).toEqual(['Al', 'Bo']);
  });
});

describe('windows that overlap', () => {
  const name = (index: number, score: number) => token('Al', index, { 'B-PER': score });
  const longName = (index: number, score: number) => [name(index, score), token('Bo', index + 1, { 'I-PER': score })];
  const summariseAll = (windows: readonly (readonly ClassifiedToken[])[], text = TEXT) =>
    (aggregateTokens(windows, text, { ...everything, strategy: 'simple' }) as EntityGroup[]).map(
      ({ start, end, score }) => `${start}-${end} ${score.toFixed(1)}`,
    );

  it('keep what does not overlap, in the order of the text', () => {
    expect(summariseAll([[name(4, 0.9)], [name(0, 0.8)], [name(2, 0.7)]])).toEqual(['0-2 0.8', '6-8 0.7', '12-14 0.9']);
  });

  it('prefer the longer entity', () => {
    expect(summariseAll([[name(0, 0.9)], longName(0, 0.5)])).toEqual(['0-5 0.5']);
    expect(summariseAll([longName(0, 0.5), [token('Bo', 1, { 'I-PER': 0.9 })]])).toEqual(['0-5 0.5']);
  });

  it('count characters, of which an emoji is one', () => {
    const withEmoji = { ...name(0, 0.5), start: 0, end: 3 };
    const without = { ...name(0, 0.9), start: 2, end: 4 };

    expect(summariseAll([[withEmoji], [without]], '😀lx')).toEqual(['2-4 0.9']);
  });

  it('prefer the surer of equally long entities', () => {
    expect(summariseAll([[name(0, 0.5)], [name(0, 0.9)]])).toEqual(['0-2 0.9']);
    expect(summariseAll([[name(0, 0.9)], [name(0, 0.5)]])).toEqual(['0-2 0.9']);
  });

  it('tell each token once, as the surer of them does, when nothing is aggregated', () => {
    const asLocation = token('Al', 0, { LOC: 0.7 });
    const inside = token('##l', 0, { O: 0.8 }); // of the same place in the text, as tokens of one emoji are

    const answer = aggregateTokens(
      [
        [name(0, 0.5), { ...inside, index: 1 }],
        [asLocation, { ...inside, index: 1 }],
      ],
      TEXT,
      { ...everything, strategy: 'none' },
    );

    expect(answer).toMatchObject([
      { entity: 'LOC', index: 0 },
      { entity: 'O', index: 1 },
    ]);
  });
});
