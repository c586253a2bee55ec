import { refuse } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import { elementCount, type Signature, type Tensor, type Tensors, tensor } from '../core/tensor.ts';
import { DATATYPES } from './open-inference/datatypes.ts';
import { toJsonData } from './open-inference/tensor-data.ts';

/** The body of `POST /v1/models/{name}:predict`. https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol */
export interface PredictRequest {
  /** Each is an input of the model, or a row of its tensors. */
  readonly instances: readonly unknown[];
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A name that TensorFlow Serving asks for; models here have one signature. */
const IGNORED_KEYS = ['signature_name'];

/** @throws `INVALID_REQUEST` */
export const parsePredictRequest = (document: unknown): PredictRequest => {
  const { instances, parameters, ...others } = isObject(document) ? document : {};
  if (!Array.isArray(instances) || instances.length === 0)
    return refuse('INVALID_REQUEST', '"instances" is no list with elements, expected {"instances": [input, …]}');
  const unknown = Object.keys(others).find((name) => !IGNORED_KEYS.includes(name));
  if (unknown !== undefined)
    refuse('INVALID_REQUEST', `${show(unknown)} is not supported beside "instances", there is "parameters"`);
  const given = parameters ?? {};
  if (!isObject(given)) return refuse('INVALID_REQUEST', `"parameters" is ${show(given)}, expected an object`);
  return { instances, parameters: given };
};

/** The input of a task that an instance holds: bytes come as `{"b64"}`, alone or under the name of an input. */
export const toTaskInput = (instance: unknown): unknown => {
  if (!isObject(instance)) return instance;
  const values = Object.values(instance);
  const [only] = values;
  if (values.length !== 1) return instance;
  if (typeof instance.b64 === 'string') return instance.b64;
  return isObject(only) && typeof only.b64 === 'string' ? only.b64 : instance;
};

const sizesOf = (value: unknown): number[] => (Array.isArray(value) ? [value.length, ...sizesOf(value[0])] : []);

/**
 * Instances as the inputs of an infer request: one row each. An instance is the row of the only input, or an object with a row by input.
 * @throws `INVALID_REQUEST` naming the inputs of the model
 */
export const toInferInputs = (instances: readonly unknown[], { inputs }: Signature) => {
  const [first] = instances;
  const names = inputs.map(({ name }) => name);
  if (!isObject(first) && names.length !== 1)
    refuse(
      'INVALID_REQUEST',
      `the model takes ${names.map(show).join(', ')}: send each instance as an object with a value for each`,
    );
  const columns = isObject(first) ? Object.keys(first) : names;
  for (const instance of isObject(first) ? instances : []) {
    const other = Object.keys(isObject(instance) ? instance : {}).find((name) => !columns.includes(name));
    if (other !== undefined)
      refuse(
        'INVALID_REQUEST',
        `an instance has ${show(other)}, and the first has ${columns.map(show).join(', ')} alone`,
      );
  }
  return columns.map((name) => {
    const spec = inputs.find((input) => input.name === name);
    if (spec === undefined)
      return refuse('INVALID_REQUEST', `input ${show(name)} is unknown, the model takes ${names.map(show).join(', ')}`);
    const data = isObject(first)
      ? instances.map((instance) => (isObject(instance) ? instance[name] : undefined))
      : instances;
    return { name, datatype: DATATYPES[spec.dtype], shape: [data.length, ...sizesOf(data[0])], data };
  });
};

/** Rows of a tensor as JSON texts. */
const rowTexts = ({ dtype, shape, data }: Tensor): string[] => {
  const [rows = 0, ...sizes] = shape;
  const width = elementCount(sizes);
  return Array.from({ length: rows }, (_, row) => {
    const values = tensor<typeof dtype>(dtype, sizes, data.slice(row * width, (row + 1) * width));
    if (sizes.length > 1) return `[${rowTexts(values).join(',')}]`;
    return sizes.length === 1 ? toJsonData(values) : toJsonData(values).slice(1, -1);
  });
};

/**
 * `predictions` of tensors: the rows of the only output, or an object with a row of each output.
 * @throws `INVALID_REQUEST` for an output without a row for each instance
 */
export const toPredictions = (outputs: Tensors, rows: number): string[] => {
  const columns = Object.entries(outputs).map(([name, output]) => {
    if (output.shape[0] !== rows)
      refuse(
        'INVALID_REQUEST',
        `output ${show(name)} has the shape [${output.shape}], which is no row for each of ${rows} instances; ask /v2`,
      );
    return { name, texts: rowTexts(output) };
  });
  const [only] = columns;
  if (only && columns.length === 1) return only.texts;
  return Array.from(
    { length: rows },
    (_, row) => `{${columns.map(({ name, texts }) => `${JSON.stringify(name)}:${texts[row]}`).join(',')}}`,
  );
};
