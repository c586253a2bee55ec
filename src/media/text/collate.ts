import { ServingError } from '../../core/errors.ts';
import { formatSpec, type Signature, type TensorSpec, type Tensors, tensor } from '../../core/tensor.ts';
import type { Encoding, Tokenizer } from './tokenizer.ts';

/** The value of a token in each input of a text graph. */
const FIELDS = {
  input_ids: ({ ids }, position) => ids[position] ?? 0,
  attention_mask: () => 1,
  token_type_ids: ({ typeIds }, position) => typeIds[position] ?? 0,
  position_ids: (_, position) => position,
} satisfies Record<string, (encoding: Encoding, position: number) => number>;

const isField = (name: string): name is keyof typeof FIELDS => Object.hasOwn(FIELDS, name);

/** @throws `MODEL_INVALID` for a graph with inputs other than tokens, or with tokens in another form */
export const assertTextGraph = ({ inputs }: Signature): void => {
  const isInteger = ({ dtype, shape }: TensorSpec): boolean =>
    (dtype === 'int64' || dtype === 'int32') && shape.length === 2;
  const other = inputs.find((spec) => !isField(spec.name) || !isInteger(spec));
  const optional = Object.keys(FIELDS).slice(1).join(', ');
  const taken = inputs.map((spec) => `${spec.name} ${formatSpec(spec)}`).join(', ');
  if (other !== undefined || !inputs.some(({ name }) => name === 'input_ids'))
    throw new ServingError(
      'MODEL_INVALID',
      `a text model takes input_ids and perhaps ${optional}, each int64[N,tokens]; this graph takes ${taken}`,
    );
};

/** Number of tokens of every row; undefined for a symbolic dimension. */
export const fixedLength = ({ inputs }: Signature): number | undefined => {
  const length = inputs.find(({ name }) => name === 'input_ids')?.shape[1];
  return typeof length === 'number' ? length : undefined;
};

/** Most tokens of a row: the smallest limit of graph, tokenizer and settings. */
export const longestRow = (
  signature: Signature,
  { maxLength }: Pick<Tokenizer, 'maxLength'>,
  settingsLength = Number.POSITIVE_INFINITY,
): number => Math.min(fixedLength(signature) ?? Number.POSITIVE_INFINITY, maxLength, settingsLength);

/** Position of the first token in a row that is padded to `width`. */
export const rowStart = ({ ids }: Encoding, width: number, { paddingSide }: Pick<Tokenizer, 'paddingSide'>): number =>
  paddingSide === 'left' ? width - ids.length : 0;

/**
 * Creates the inputs of the graph, int64[N,tokens] or int32[N,tokens], a row for each encoding. Rows are padded with attention 0 to the
 * length that the graph fixes, otherwise to the longest encoding.
 */
export const collateEncodings = (
  encodings: readonly Encoding[],
  signature: Signature,
  tokenizer: Pick<Tokenizer, 'padId' | 'paddingSide'>,
): Tensors => {
  const width = fixedLength(signature) ?? Math.max(1, ...encodings.map(({ ids }) => ids.length));
  const shape = [encodings.length, width];
  return Object.fromEntries(
    signature.inputs.flatMap(({ name, dtype }) => {
      if (!isField(name)) return []; // `assertTextGraph` refuses such a graph
      const valueAt = FIELDS[name];
      const values = new Int32Array(encodings.length * width).fill(name === 'input_ids' ? tokenizer.padId : 0);
      encodings.forEach((encoding, row) => {
        const start = row * width + rowStart(encoding, width, tokenizer);
        encoding.ids.forEach((_, position) => {
          values[start + position] = valueAt(encoding, position);
        });
      });
      const inputTensor =
        dtype === 'int64' ? tensor('int64', shape, BigInt64Array.from(values, BigInt)) : tensor('int32', shape, values);
      return [[name, inputTensor]];
    }),
  );
};
