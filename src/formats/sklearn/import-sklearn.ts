import { ServingError } from '../../core/errors.ts';
import { messageOf } from '../../core/message-of.ts';
import { shorten, show } from '../../core/show.ts';
import { createGraph } from '../../onnx/graph-builder.ts';
import { completeBoosters } from '../boosting/pickled-boosters.ts';
import type { ImportedModel } from '../imported-model.ts';
import { describe as describeValue } from '../pickle/describe.ts';
import { isNumpyArray, PyClass, PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import { refuseTangled } from '../shared-values.ts';
import { createConversion, findConverter } from './converters.ts';
import { Estimator } from './estimator.ts';
import { addInputs } from './inputs.ts';
import { outlineOf } from './outline.ts';
import { addOutputs } from './outputs.ts';

const REMEDY = 'save the fitted model itself, as joblib.dump(model, "model.joblib")';

/** The values within a value, with the keys or the numbers under which it has them. */
const partsOf = (value: PyValue): (readonly [key: PyValue, part: PyValue])[] => {
  if (value instanceof Map) return [...value];
  const items = value instanceof PyTuple ? value.items : Array.isArray(value) ? value : [];
  return items.map((part, index) => [index, part] as const);
};

const MODELS = /^(?:sklearn|xgboost|lightgbm)[.]/;

/** The first model that lies within a value. */
const describeModel = (value: PyValue): string => {
  const found = partsOf(value).find(([, part]) => part instanceof PyObject && MODELS.test(part.type.module));
  const [key = null, part] = found ?? [];
  if (!(part instanceof PyObject)) return '';
  return `, of which ${typeof key === 'number' ? `item ${key}` : show(String(key))} is an object of ${shorten(part.type.path)}`;
};

/** A value that is no model, as Python calls it. */
const describe = (value: PyValue): string => {
  if (value instanceof Map)
    return `a dict with the keys ${show([...value.keys()].slice(0, 5).map(String))}${describeModel(value)}`;
  if (value instanceof PyClass) return `the class or function ${shorten(value.path)}, not an object of a class`;
  if (isNumpyArray(value)) return `an array of numpy [${value.shape.join(',')}]`;
  return `${describeValue(value)}${describeModel(value)}`;
};

const toRoot = (value: PyValue): PyObject => {
  if (!(value instanceof PyObject))
    throw new ServingError('MODEL_INVALID', `the file holds ${describe(value)}, expected a fitted model: ${REMEDY}`);
  const { module, path } = value.type;
  if (/^(pandas|polars)(\.|$)/.test(module))
    throw new ServingError('MODEL_INVALID', `the file holds a table, ${path}, expected a fitted model: ${REMEDY}`);
  return value;
};

/** `_sklearn_version` of an object, or of the nearest one within it: classes of other libraries have none. */
const versionOf = (object: PyObject): string => {
  const waiting = new Set<PyValue>([object]);
  for (const value of waiting) {
    const version = value instanceof PyObject ? new Estimator(value, '').find('_sklearn_version') : undefined;
    if (typeof version === 'string') return version;
    const parts = value instanceof PyObject ? [value.state] : partsOf(value).map(([, part]) => part);
    for (const part of parts) if (typeof part === 'object' && part !== null) waiting.add(part);
  }
  return 'of an unknown version';
};

/** Versions whose answers the tests compare. */
const isKnown = (version: string): boolean => /^1\.[0-9](\.|$)/.test(version);

/** A model of texts alone is no table: its classes are those of a text. With several targets it stays a table of one column. */
const taskOf = ({ pipeline_tag: task, targets }: Readonly<Record<string, unknown>>, isText: boolean): unknown =>
  isText && task === 'tabular-classification' && targets === undefined ? 'text-classification' : task;

const convert = (estimator: Estimator): ImportedModel => {
  const graph = createGraph('scikit-learn');
  const conversion = createConversion(graph);
  const { frame, columns, isText } = addInputs(graph, estimator);
  const outputs = addOutputs(estimator, conversion, conversion.convert(estimator, frame));
  const { version } = estimator;
  return {
    onnx: graph.toModel(),
    config: { ...outputs, pipeline_tag: taskOf(outputs, isText), columns },
    origin: `scikit-learn ${version}`,
    outline: outlineOf(estimator),
    notes: isKnown(version)
      ? []
      : [`scikit-learn ${version} is none of 1.0 to 1.9, whose answers were compared: compare some of yours`],
  };
};

/**
 * A model of scikit-learn as an ONNX graph that computes in float64.
 * @throws `MODEL_INVALID` for anything else, for an estimator that nobody fitted, and for one that cannot be converted
 */
export const importSklearn = (value: PyValue): ImportedModel => {
  const object = toRoot(value);
  const estimator = new Estimator(object, versionOf(object));
  try {
    findConverter(estimator);
    refuseTangled(object);
    completeBoosters(object);
    return convert(estimator);
  } catch (error) {
    if (error instanceof ServingError) throw error;
    const problem = `it is damaged, or too large (${messageOf(error)})`;
    throw new ServingError('MODEL_INVALID', `${estimator.origin}: ${problem}`, { cause: error });
  }
};
