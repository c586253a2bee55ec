import { ServingError } from '../../core/errors.ts';
import type { Signature, TensorSpec } from '../../core/tensor.ts';
import { formatSpecs } from '../format-specs.ts';
import type { TabularClassificationSettings } from './settings.ts';

/** The values of a head in an output: all of it, or the part `index` of `count` equal ones. */
export interface Place {
  readonly name: string;
  readonly index?: number;
  readonly count?: number;
}

/** An answer of a classifier for each row: of its only target, of a target among several, or of all its labels together. */
export interface Head {
  /** Label of each class, in the order of the scores. */
  readonly labels: readonly string[];
  /** Text of the graph's own label for each class. */
  readonly values: readonly string[];
  /** A place for all scores, or for several labels a place for each. Empty if the graph gives no scores. */
  readonly scores: readonly Place[];
  /** Undefined if the graph gives no label, or it is not to be read. */
  readonly label: Place | undefined;
}

type Classes = Pick<TabularClassificationSettings, 'labels' | 'classes'>;

/** Outputs by the number behind their name, such as `probabilities_0`, `probabilities_1`; empty unless they are numbered from 0. */
const numbered = (specs: readonly TensorSpec[]): TensorSpec[] => {
  const inOrder = specs.map((_, index) => specs.find(({ name }) => name.endsWith(`_${index}`)));
  return inOrder.includes(undefined) ? [] : inOrder.filter((spec) => spec !== undefined);
};

const isFloat = ({ dtype }: TensorSpec): boolean => dtype === 'float32' || dtype === 'float64';
const isLabel = ({ dtype, shape: { length } }: TensorSpec): boolean =>
  ['int64', 'int32', 'string', 'bool'].includes(dtype) && (length === 1 || length === 2);

const refuseOutputs = ({ outputs }: Signature): never => {
  throw new ServingError(
    'MODEL_INVALID',
    `tabular-classification needs one output of scores float32[N,classes], such as "probabilities" of skl2onnx; the graph has ${formatSpecs(outputs)}`,
  );
};

/** The scores of each target: outputs of their own, one output [targets,N,classes], or the only output [N,classes]. */
const scoresOf = (signature: Signature, { scores, targets }: TabularClassificationSettings): TensorSpec[] => {
  const floats = signature.outputs.filter((spec) => isFloat(spec) && [2, 3].includes(spec.shape.length));
  const named = floats.filter(({ name }) => name === scores);
  const probable = floats.filter(({ name }) => /prob/i.test(name));
  const all = numbered(floats);
  if (all.length > 1 || (targets !== undefined && all.length > 0)) return all;
  const found = [floats, named, probable].find(({ length }) => length === 1);
  return found ?? refuseOutputs(signature);
};

const NONE: readonly Place[] = [];

/** The places of the scores of each target. */
const placesOf = (specs: readonly TensorSpec[]): Place[] => {
  const [first] = specs;
  const count = first?.shape.length === 3 ? first.shape[0] : undefined;
  if (first === undefined || typeof count !== 'number') return specs.map(({ name }) => ({ name }));
  return Array.from({ length: count }, (_, index) => ({ name: first.name, index, count }));
};

/** The places of the label of each of `count` targets. */
const labelPlaces = ({ outputs }: Signature, count: number): (Place | undefined)[] => {
  const found = outputs.filter(isLabel);
  const all = numbered(found);
  if (all.length === count && all.length > 0) return all.map(({ name }) => ({ name }));
  const [label = undefined, ...others] = found.length === 1 ? found : found.filter(({ name }) => /label/i.test(name));
  if (label === undefined || others.length > 0) return Array.from({ length: count }, () => undefined);
  const { name } = label;
  return Array.from({ length: count }, (_, index) => (count === 1 ? { name } : { name, index, count }));
};

const OUTLIERS = ['-1', '1'];

/** Names of classes that nobody named. A single score without names is that of an outlier detector. */
const numberedClasses = (width: number | string | undefined, signature: Signature): readonly string[] => {
  if (typeof width !== 'number') return refuseNames(signature);
  return width === 1 ? OUTLIERS : Array.from({ length: width }, (_, index) => String(index));
};

const refuseNames = ({ outputs }: Signature): never => {
  throw new ServingError(
    'MODEL_INVALID',
    `config.json has no "id2label", which names the classes: {"id2label": {"0": "cat", "1": "dog"}}; the graph has ${formatSpecs(outputs)}`,
  );
};

const isBoolean = ({ outputs }: Signature, place: Place | undefined): boolean =>
  outputs.find(({ name }) => name === place?.name)?.dtype === 'bool';

/** True where the classes of the graph are as many as its scores, of which a single one may stand for two classes. */
const fits = (names: readonly string[] | undefined, width: number | string | undefined): boolean =>
  names !== undefined && (typeof width !== 'number' || names.length === width || (width === 1 && names.length === 2));

const namesOf = (
  { labels, classes }: Classes,
  spec: TensorSpec | undefined,
  signature: Signature,
  label: Place | undefined,
  kind: TabularClassificationSettings['label'],
): Pick<Head, 'labels' | 'values'> => {
  const width = spec?.shape.at(-1);
  const ofGraph = isBoolean(signature, label) ? ['False', 'True'] : classes;
  const own = spec === undefined || fits(ofGraph, width) ? ofGraph : undefined;
  const names = labels ?? own ?? numberedClasses(width, signature);
  if (kind === 'index') return { labels: names, values: names.map((_, index) => String(index)) };
  return { labels: names, values: own?.length === names.length ? own : names };
};

/** True where a graph has a label [N,labels] beside scores [N,labels]: each label is set, or is not. */
const hasLabels = (specs: readonly TensorSpec[], { outputs }: Signature): boolean => {
  const [scores, ...others] = specs;
  const label = outputs.find(isLabel);
  const width = label?.shape[1];
  return scores?.shape.length === 2 && others.length === 0 && typeof width === 'number' && width > 1;
};

/** A classifier of several labels for each row. */
const labelsHead = (
  specs: readonly TensorSpec[],
  signature: Signature,
  settings: TabularClassificationSettings,
): Head => {
  const places = placesOf(specs);
  const width = places.length > 1 ? places.length : specs[0]?.shape[1];
  const labels = settings.labels ?? numberedClasses(width, signature);
  const [label] = settings.label === 'none' ? [] : labelPlaces(signature, 1);
  return { labels, values: labels, scores: places, label };
};

export interface Heads {
  readonly heads: readonly Head[];
  readonly isMultiLabel: boolean;
}

/**
 * The outputs of a graph of scikit-learn by their meaning. A target has scores float[N,C], and perhaps a label [N]. Several labels together have
 * scores float[N,labels], and perhaps a label [N,labels].
 * @throws `MODEL_INVALID` for other outputs, and for classes without names
 */
export const readHeads = (signature: Signature, settings: TabularClassificationSettings): Heads => {
  const specs = settings.scores === 'label' ? [] : scoresOf(signature, settings);
  const isMultiLabel = settings.isMultiLabel ?? (settings.targets === undefined && hasLabels(specs, signature));
  if (isMultiLabel) return { heads: [labelsHead(specs, signature, settings)], isMultiLabel };
  const places = placesOf(specs);
  const count = settings.targets?.length ?? Math.max(1, places.length);
  if (places.length > 0 && places.length !== count)
    throw new ServingError(
      'MODEL_INVALID',
      `the graph has scores of ${places.length} targets, "targets" in config.json names ${count}: ${formatSpecs(signature.outputs)}`,
    );
  const labels = labelPlaces(signature, count);
  const heads = Array.from({ length: count }, (_, index): Head => {
    const classes = settings.targets?.[index] ?? settings;
    const [scores, spec] = [places[index], specs[index] ?? specs[0]];
    const found = labels[index];
    const label = settings.label === 'none' ? undefined : found;
    if (scores === undefined && label === undefined) return refuseOutputs(signature);
    const names = namesOf(classes, spec, signature, found, settings.label);
    return { ...names, scores: scores === undefined ? NONE : [scores], label };
  });
  return { heads, isMultiLabel };
};
