import { type Blank, blankShape } from '../core/blank.ts';
import { type DType, elementCount, type Signature, type TensorSpec } from '../core/tensor.ts';
import { resolveDimension } from '../protocol/open-inference/bounds.ts';
import { DATATYPES } from '../protocol/open-inference/datatypes.ts';
import { arrayOf, type JsonSchema, OBJECT, objectOf, STRING } from './json-schema.ts';

const shapeOf = ({ shape }: TensorSpec): JsonSchema =>
  arrayOf(
    { type: 'integer', minimum: 0 },
    { minItems: shape.length, maxItems: shape.length, description: `[${shape.join(', ')}]` },
  );

const ELEMENTS: Readonly<Record<string, JsonSchema>> = {
  bool: { type: 'boolean' },
  string: { type: 'string' },
  // NaN and infinities have no word in JSON: they are null.
  float32: { type: ['number', 'null'] },
  float64: { type: ['number', 'null'] },
};

const PARAMETERS: JsonSchema = { ...OBJECT, description: 'Settings of the extensions that GET /v2 names.' };

/** A tensor in JSON. Its data may be flat, or nested as its shape. */
const tensorOf = (spec: TensorSpec): JsonSchema => ({
  ...objectOf(
    {
      name: { const: spec.name },
      datatype: { const: DATATYPES[spec.dtype] },
      shape: shapeOf(spec),
    },
    {
      data: {
        type: 'array',
        items: { anyOf: [ELEMENTS[spec.dtype] ?? { type: ['integer', 'number'] }, arrayOf({})] },
      },
      parameters: PARAMETERS,
    },
  ),
});

/** An answer of `classification` has texts in the place of numbers, and another shape. */
const OUTPUT = objectOf(
  { name: STRING, datatype: { enum: Object.values(DATATYPES) }, shape: arrayOf({ type: 'integer', minimum: 0 }) },
  { data: { ...arrayOf({}), description: 'Left out when the values follow as bytes.' }, parameters: PARAMETERS },
);

/** `inputs` of a request of the Open Inference Protocol. */
export const tensorInputs = ({ inputs }: Signature): JsonSchema =>
  inputs.length === 0
    ? arrayOf({})
    : arrayOf(inputs.length === 1 && inputs[0] ? tensorOf(inputs[0]) : { anyOf: inputs.map(tensorOf) }, {
        minItems: 1,
      });

/** A picture of zeros would be most of the document. */
const MOST_ELEMENTS = 1_000;

/** Tensors whose elements are all the same. */
export type BlankTensors = readonly {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly value: Blank['value'];
}[];

/** Every dimension with a name counts as 1, and sums and products of these as what they are. */
const ONES: ReadonlyMap<string, number> = new Map();

/** Pictures and sounds have sizes that the settings of their task make. */
const isMedium = ({ dtype, shape }: TensorSpec): boolean =>
  dtype.startsWith('float') && shape.slice(1).some((size) => typeof size === 'string');

/** True for inputs of which the graph does not tell what runs: media alone, or texts, of which it may know some alone. */
const areUnknown = (inputs: Signature['inputs']): boolean =>
  inputs.some(({ dtype }) => dtype === 'string') ||
  (inputs.every(({ dtype }) => dtype.startsWith('float')) && inputs.some(isMedium));

/**
 * The tensors that have no default, as the trial run of a version had them; undefined where they are not known.
 * @param signature that of one graph
 */
export const blanksOf = (
  task: string,
  { inputs }: Signature,
  { value, dimensions }: Blank,
): BlankTensors | undefined => {
  const needed = inputs.filter(({ default: given }) => given === undefined);
  if (task !== 'tensor' && areUnknown(needed)) return undefined;
  return needed.map((spec) => {
    const named = blankShape(spec, dimensions);
    const shape = spec.shape.map((size, axis) =>
      named[axis] === 1 ? resolveDimension(size, ONES) : (named[axis] ?? 1),
    );
    return { name: spec.name, dtype: spec.dtype, shape, value };
  });
};

/** Tensors as JSON; undefined where they are none, or too long. */
export const tensorInputsExample = (tensors: BlankTensors | undefined): readonly unknown[] | undefined => {
  const isLong = tensors?.some(({ shape }) => elementCount(shape) > MOST_ELEMENTS);
  if (isLong || tensors?.some(({ dtype }) => dtype === 'float16')) return undefined;
  return tensors?.map(({ name, dtype, shape, value }) => {
    const element = { string: value === 0 ? '' : '1', bool: value === 1 }[String(dtype)] ?? value;
    return {
      ...{ name, datatype: DATATYPES[dtype], shape },
      data: Array.from({ length: elementCount(shape) }, () => element),
    };
  });
};

/** The body of `POST /v2/models/{name}/infer`. */
export const inferRequest = (signature: Signature): JsonSchema =>
  objectOf(
    { inputs: tensorInputs(signature) },
    {
      id: { type: ['string', 'null'] },
      parameters: { ...PARAMETERS, type: ['object', 'null'] },
      outputs: arrayOf(
        objectOf({ name: { enum: signature.outputs.map(({ name }) => name) } }, { parameters: PARAMETERS }),
      ),
    },
  );

/** The answer of the Open Inference Protocol. */
export const INFER_RESPONSE = objectOf(
  { model_name: STRING, model_version: STRING, outputs: arrayOf(OUTPUT) },
  { id: STRING, parameters: PARAMETERS },
);
