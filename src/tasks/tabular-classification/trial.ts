import { refuse } from '../../core/errors.ts';
import { graphOf } from '../graph-of.ts';
import type { Findings } from '../recipe.ts';
import type { TaskModel } from '../task.ts';
import { topIndices } from '../top-indices.ts';
import { thresholdOf } from './answer.ts';
import { readHeads } from './heads.ts';
import type { TabularClassificationSettings } from './settings.ts';
import { type Outcome, runVariedRows } from './trial-outcomes.ts';

type Found = Partial<TabularClassificationSettings>;

const assertCounts = (outcomes: readonly Outcome[], isMultiLabel: boolean): void => {
  for (const { head, scores } of outcomes) {
    const [count, expected] = [scores.length, head.labels.length];
    const isSingle = count === 1 && expected === 2 && !isMultiLabel;
    if (head.scores.length > 0 && count !== expected && !isSingle)
      refuse(
        'MODEL_INVALID',
        `the graph has ${count} classes, "id2label" in config.json names ${expected}; scores of something else than classes, ` +
          'such as of each pair of classes, are left out by "scores": "label"',
      );
  }
};

const isShare = (score: number): boolean => score >= -1e-6 && score <= 1 + 1e-6;
const sumOf = (scores: readonly number[]): number => scores.reduce((sum, score) => sum + score, 0);
const best = (scores: readonly number[]): number => topIndices(scores, 1)[0] ?? 0;
const least = (scores: readonly number[]): number => best(scores.map((score) => -score));

/** The index of the predicted class, by what the graph's label is taken for; -1 if it is none. */
const indexOf = ({ head, label }: Outcome, kind: TabularClassificationSettings['label']): number => {
  const [value = ''] = label ?? [];
  return kind === 'index'
    ? /^\d+$/.test(value) && Number(value) < head.labels.length
      ? Number(value)
      : -1
    : head.values.indexOf(value);
};

/** The number of labels that are those of the best score. */
const agreement = (outcomes: readonly Outcome[], kind: TabularClassificationSettings['label']): number =>
  outcomes.filter((each) => each.scores.length > 1 && indexOf(each, kind) === best(each.scores)).length;

/** Tells whether the graph's label is a class or its index. @throws `MODEL_INVALID` for a label that is neither */
const findLabel = (outcomes: readonly Outcome[], settings: TabularClassificationSettings): Found => {
  const labelled = outcomes.filter(({ label }) => label !== undefined);
  const kinds = settings.label === undefined ? (['class', 'index'] as const) : [settings.label];
  const known = kinds.filter((kind) => labelled.every((each) => indexOf(each, kind) >= 0));
  const [first, second] = known;
  if (first === undefined) return refuseLabel(labelled, kinds);
  if (settings.label !== undefined || labelled.length === 0) return {};
  const isBetter = second !== undefined && agreement(labelled, second) > agreement(labelled, first);
  return (isBetter ? second : first) === 'index' ? { label: 'index' } : {};
};

const refuseLabel = (outcomes: readonly Outcome[], kinds: readonly string[]): never => {
  const wrong = outcomes.find((each) => kinds.every((kind) => indexOf(each, kind === 'index' ? 'index' : 'class') < 0));
  const { head } = wrong ?? outcomes[0] ?? {};
  const values = new Set(outcomes.filter((each) => each.head === head).flatMap(({ label }) => label ?? []));
  return refuse(
    'MODEL_INVALID',
    `the graph's "${head?.label?.name}" gives ${[...values].slice(0, 10).join(', ')}, and its classes are ${head?.values.slice(0, 10).join(', ')}: ` +
      'name the classes in the order of the scores in config.json, {"id2label": {"0": "cat", "1": "dog"}}, or {"label": "none"} to leave the label out',
  );
};

/** The kind of the scores, of a graph whose config.json does not say it. */
const findScores = (
  outcomes: readonly Outcome[],
  { scores: said, labels, classes, targets, label }: TabularClassificationSettings,
  isMultiLabel: boolean,
): Found => {
  if (said !== undefined) return {};
  const isSingle = outcomes.every(({ scores }) => scores.length === 1);
  if (isSingle && !isMultiLabel && (labels ?? classes ?? targets) === undefined) return { scores: 'outlier_score' };
  const several = outcomes.filter(({ scores, label: own }) => scores.length > 1 && own !== undefined);
  const isNearest = several.length > 0 && several.every((each) => indexOf(each, label) === least(each.scores));
  const isDistant = several.some((each) => least(each.scores) !== best(each.scores));
  const isPositive = outcomes.every(({ scores }) => scores.every((score) => score >= 0));
  if (isNearest && isDistant && isPositive && !isMultiLabel) return { scores: 'distances' };
  const areShares = outcomes.every(({ scores }) => scores.every(isShare));
  const sumToOne = outcomes.every(({ scores }) => scores.length === 1 || Math.abs(sumOf(scores) - 1) < 1e-3);
  return areShares && (isMultiLabel || sumToOne) ? {} : { scores: 'margins' };
};

/** Tells whether two opposite margins stand in the places of each other: the graph's label is always the one with the lower margin. */
const findReversed = (outcomes: readonly Outcome[], { scores, label }: TabularClassificationSettings): Found => {
  const decided = outcomes.filter(
    ({ label: own, scores: each }) => own !== undefined && each.length === 2 && each[0] !== each[1],
  );
  const areOpposite = decided.every(({ scores: [first = 0, second = 0] }) => first === -second);
  const areReversed = decided.every((each) => indexOf(each, label) === least(each.scores));
  return scores === 'margins' && decided.length > 0 && areOpposite && areReversed ? { isReversed: true } : {};
};

/** @throws `MODEL_INVALID` if a graph sets labels by another bound of the margins than 0, as a faulty export does */
const assertLabelsAgree = (outcomes: readonly Outcome[], settings: TabularClassificationSettings): void => {
  if (settings.label !== undefined || settings.scores !== 'margins') return;
  const bound = thresholdOf(settings);
  for (const { head, scores, label } of outcomes)
    scores.forEach((score, index) => {
      if (label !== undefined && (label[index] === '1') !== score > bound)
        refuse(
          'MODEL_INVALID',
          `the graph's "${head.label?.name}" gives ${label[index]} to the label ${head.labels[index]} with the margin ${score}, ` +
            'and a margin above 0 sets a label: ' +
            'write {"label": "none"} into config.json, so that the margins decide, or {"label": "index"} to keep the labels of the graph',
        );
    });
};

const NOTES: Readonly<Partial<Record<NonNullable<TabularClassificationSettings['scores']>, string>>> = {
  margins: 'its scores are margins of a decision function, not probabilities',
  distances: 'its scores are distances: the nearest class is first',
  outlier_score: 'its scores are those of an outlier detector: negative for outliers',
};

/**
 * Runs rows of many values, to find out what the scores and the label of the graph are. The label wins over the best score.
 * @throws `MODEL_INVALID` for labels that are no classes, and for another number of scores than of classes
 */
export const findSettings = async (model: TaskModel, settings: TabularClassificationSettings): Promise<Findings> => {
  const { heads, isMultiLabel } = readHeads(graphOf(model.graphs).signature, settings);
  const outcomes = await runVariedRows(model, settings, heads);
  assertCounts(outcomes, isMultiLabel);
  let found: Found = isMultiLabel ? {} : findLabel(outcomes, settings);
  found = { ...found, ...findScores(outcomes, { ...settings, ...found }, isMultiLabel) };
  if (isMultiLabel) assertLabelsAgree(outcomes, { ...settings, ...found });
  else found = { ...found, ...findReversed(outcomes, { ...settings, ...found }) };
  const { scores = settings.scores ?? 'probabilities' } = found;
  const differing = isMultiLabel || scores === 'distances' ? 0 : countDiffering(outcomes, { ...settings, ...found });
  const note = NOTES[scores];
  return {
    settings: found,
    notes: [
      ...(note === undefined ? [] : [note]),
      ...(differing > 0
        ? [
            `its label is not the one with the best score for ${differing} of ${outcomes.length} made-up rows: the label is first`,
          ]
        : []),
    ],
  };
};

const countDiffering = (outcomes: readonly Outcome[], { label, isReversed }: TabularClassificationSettings): number =>
  outcomes.filter((each) => {
    if (each.label === undefined || each.scores.length < 2 || isReversed) return false;
    return indexOf(each, label) !== best(each.scores);
  }).length;
