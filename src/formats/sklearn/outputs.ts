import type { Value } from '../../onnx/graph-builder.ts';
import { classesOfTargets, finalOf, labelsOfTargets } from './classes.ts';
import { countClusters } from './clustering.ts';
import type { Conversion, Results } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { join, pick, toColumn } from './formulas.ts';
import { toMatrix } from './frame.ts';
import { OUTLIERS } from './outliers.ts';
import { labelOf, marginsOf } from './results.ts';

/** Settings for config.json: the task, the names of the classes, and the kind of the scores where they are no probabilities. */
type OutputSettings = Readonly<Record<string, unknown>>;

const CLASSIFICATION = 'tabular-classification';

const toId2label = (labels: readonly string[]): Record<string, string> =>
  Object.fromEntries(labels.map((label, index) => [String(index), label]));

/** The label of the graph is the index of a class. */
const BY_INDEX = { label: 'index' } as const;

const addLabel = ({ graph }: Conversion, { classIndex }: Results): OutputSettings => {
  if (classIndex === undefined) return {};
  graph.output('label', classIndex, 'int64', ['N']);
  return BY_INDEX;
};

const addValues = ({ graph }: Conversion, value: Value): OutputSettings => {
  graph.output('value', value, 'float64', ['N', 'targets']);
  return { pipeline_tag: 'tabular-regression' };
};

/** 0 is an outlier, which scikit-learn calls -1, and 1 is none. */
const addOutliers = (conversion: Conversion, results: Results): OutputSettings => {
  conversion.graph.output('outlier_score', results.decision ?? '', 'float64', ['N', 1]);
  const label = addLabel(conversion, results);
  return { pipeline_tag: CLASSIFICATION, scores: 'outlier_score', ...label, id2label: toId2label(['-1', '1']) };
};

const addClusters = (conversion: Conversion, results: Results, clusters: number): OutputSettings => {
  const { graph } = conversion;
  const id2label = toId2label(Array.from({ length: clusters }, (_, index) => String(index)));
  const settings = { pipeline_tag: CLASSIFICATION, id2label };
  if (results.probabilities !== undefined) {
    graph.output('probabilities', results.probabilities, 'float64', ['N', clusters]);
    return settings;
  }
  if (results.frame !== undefined)
    graph.output('distances', toMatrix(graph, results.frame), 'float64', ['N', clusters]);
  const label = addLabel(conversion, results);
  return { ...settings, ...label, scores: results.frame === undefined ? 'label' : 'distances' };
};

const addClasses = (estimator: Estimator, conversion: Conversion, results: Results): OutputSettings => {
  const { graph } = conversion;
  const [labels = []] = labelsOfTargets(estimator);
  const settings = { pipeline_tag: CLASSIFICATION, id2label: toId2label(labels) };
  const { probabilities, decision } = results;
  if (probabilities !== undefined) graph.output('probabilities', probabilities, 'float64', ['N', labels.length]);
  else if (decision !== undefined)
    graph.output('margins', marginsOf(graph, decision, labels.length), 'float64', ['N', 'scores']);
  const label = addLabel(conversion, results);
  return { ...settings, ...label, ...(probabilities === undefined && { scores: 'margins' }) };
};

/** The scores that a label is set, of a classifier with several labels for each row. */
const addLabels = (estimator: Estimator, { graph }: Conversion, targets: readonly Results[]): OutputSettings => {
  const probabilities = targets.flatMap((target) => target.probabilities ?? []);
  const isProbable = probabilities.length === targets.length;
  const scores = isProbable
    ? probabilities.map((each) => pick(graph, each, 1))
    : targets.map(({ decision }) => decision ?? estimator.refuse('a label has neither probabilities nor a decision'));
  graph.output(isProbable ? 'probabilities' : 'margins', join(graph, scores), 'float64', ['N', targets.length]);
  const labels = targets.map((target) => toColumn(graph, labelOf(graph, estimator, target, 2)));
  graph.output('label', join(graph, labels), 'int64', ['N', targets.length]);
  return {
    pipeline_tag: CLASSIFICATION,
    problem_type: 'multi_label_classification',
    id2label: toId2label(targets.map((_, index) => String(index))),
    ...BY_INDEX,
    ...(!isProbable && { scores: 'margins' }),
  };
};

/** Scores and labels of each target, whose outputs end in its index. */
const addTargets = (estimator: Estimator, { graph }: Conversion, targets: readonly Results[]): OutputSettings => {
  const labels = labelsOfTargets(estimator);
  const isProbable = targets.every(({ probabilities }) => probabilities !== undefined);
  targets.forEach((target, index) => {
    const classes = labels[index]?.length ?? 0;
    const { probabilities, decision } = target;
    if (isProbable && probabilities !== undefined)
      graph.output(`probabilities_${index}`, probabilities, 'float64', ['N', classes]);
    else if (decision !== undefined)
      graph.output(`margins_${index}`, marginsOf(graph, decision, classes), 'float64', ['N', `scores_${index}`]);
    graph.output(`label_${index}`, labelOf(graph, estimator, target, classes), 'int64', ['N']);
  });
  return {
    pipeline_tag: CLASSIFICATION,
    targets: labels.map((each) => ({ id2label: toId2label(each) })),
    ...BY_INDEX,
    ...(!isProbable && { scores: 'margins' }),
  };
};

/** True where each target is 0 or 1: a label that is set, or is not. */
const areFlags = (estimator: Estimator, count: number): boolean => {
  const targets = classesOfTargets(estimator);
  if (targets.length !== count) return true;
  return targets.every((classes) => classes.length === 2 && Number(classes[0]) === 0 && Number(classes[1]) === 1);
};

/**
 * Names the results of the model as outputs of the graph. Scores are `probabilities`, `margins`, `distances` or `outlier_score`
 * float64[N,classes], and numbers are `value` float64[N,targets]. `label` int64[N] is there if the predicted class may not be the one with the
 * best score.
 */
export const addOutputs = (estimator: Estimator, conversion: Conversion, results: Results): OutputSettings => {
  const last = finalOf(estimator);
  const clusters = last.isOwn ? countClusters(last) : undefined;
  if (results.targets !== undefined)
    return (areFlags(estimator, results.targets.length) ? addLabels : addTargets)(
      estimator,
      conversion,
      results.targets,
    );
  if (last.isOwn && (Object.hasOwn(OUTLIERS, last.name) || last.name === 'OneClassSVM'))
    return addOutliers(conversion, results);
  if (clusters !== undefined) return addClusters(conversion, results, clusters);
  if (results.prediction !== undefined) return addValues(conversion, results.prediction);
  if (results.probabilities !== undefined || results.decision !== undefined)
    return addClasses(estimator, conversion, results);
  if (results.frame !== undefined) return addValues(conversion, toMatrix(conversion.graph, results.frame));
  return estimator.refuse('it predicts nothing');
};
