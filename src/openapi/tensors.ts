import { blankShape, ZEROS } from '../core/blank.ts';
import { elementCount, type Signature, type TensorSpec } from '../core/tensor.ts';
import { DATATYPES } from '../protocol/open-inference/datatypes.ts';
import { arrayOf, type JsonSchema, objectOf, STRING } from './json-schema.ts';

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

const PARAMETERS: JsonSchema = { type: 'object', description: 'Settings of the extensions that GET /v2 names.' };

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
        items: { anyOf: [ELEMENTS[spec.dtype] ?? { type: ['integer', 'number'] }, { type: 'array' }] },
      },
      parameters: PARAMETERS,
    },
  ),
});

/** An answer of `classification` has texts in the place of numbers, and another shape. */
const OUTPUT = objectOf(
  { name: STRING, datatype: { enum: Object.values(DATATYPES) }, shape: arrayOf({ type: 'integer', minimum: 0 }) },
  { data: { type: 'array', description: 'Left out when the values follow as bytes.' }, parameters: PARAMETERS },
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

/** Zeros for every input that has no default; undefined where that is no JSON, or too long. */
export const tensorInputsExample = ({ inputs }: Signature): readonly unknown[] | undefined => {
  const needed = inputs.filter(({ default: given }) => given === undefined);
  const shapes = needed.map((spec) => blankShape(spec, ZEROS.dimensions));
  const isLong = shapes.some((shape) => elementCount(shape) > MOST_ELEMENTS);
  if (isLong || needed.some(({ dtype }) => dtype === 'float16')) return undefined;
  return needed.map(({ name, dtype }, index) => {
    const shape = shapes[index] ?? [];
    const zero = { string: '', bool: false }[String(dtype)] ?? 0;
    return { name, datatype: DATATYPES[dtype], shape, data: Array.from({ length: elementCount(shape) }, () => zero) };
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
