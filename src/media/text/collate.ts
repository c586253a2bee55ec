import { ServingError } from '../../core/errors.ts';
import type { Signature, Tensor, TensorSpec, Tensors } from '../../core/tensor.ts';
import type { Encoding, Tokenizer } from './tokenizer.ts';

/** What each input of a text graph holds for a token. */
const FIELDS: Readonly<Record<string, (encoding: Encoding, position: number) => number>> = {
  input_ids: ({ ids }, position) => ids[position] ?? 0,
  attention_mask: () => 1,
  token_type_ids: ({ typeIds }, position) => typeIds[position] ?? 0,
  position_ids: (_, position) => position,
};

/** @throws `MODEL_INVALID` when the graph needs more than tokens, or takes them in another form */
export const assertTextGraph = ({ inputs }: Signature): void => {
  const isInteger = ({ dtype, shape }: TensorSpec): boolean =>
    (dtype === 'int64' || dtype === 'int32') && shape.length === 2;
  const other = inputs.find((spec) => !Object.hasOwn(FIELDS, spec.name) || !isInteger(spec));
  if (other !== undefined || !inputs.some(({ name }) => name === 'input_ids'))
    throw new ServingError(
      'MODEL_INVALID',
      `a text model takes input_ids and perhaps ${Object.keys(FIELDS).slice(1).join(', ')}, each int64[N,tokens]; this graph takes ${inputs.map(({ name, dtype, shape }) => `${name} ${dtype}[${shape}]`).join(', ')}`,
    );
};

/** How many tokens every row has where the graph does not leave that open. */
export const fixedLength = ({ inputs }: Signature): number | undefined => {
  const length = inputs.find(({ name }) => name === 'input_ids')?.shape[1];
  return typeof length === 'number' ? length : undefined;
};

/** Most tokens of a row: the least of what the graph fixes, the tokenizer knows and the settings say. */
export const longestRow = (
  signature: Signature,
  { maxLength }: Pick<Tokenizer, 'maxLength'>,
  settingsLength = Number.POSITIVE_INFINITY,
): number => Math.min(fixedLength(signature) ?? Number.POSITIVE_INFINITY, maxLength, settingsLength);

/** The position of the first token in a row that is padded to `width`. */
export const rowStart = ({ ids }: Encoding, width: number, { paddingSide }: Pick<Tokenizer, 'paddingSide'>): number =>
  paddingSide === 'left' ? width - ids.length : 0;

/**
 * Encodings as the inputs that the graph takes, int64[N,tokens]: shorter ones are padded to the longest, or to what the graph
 * fixes, with attention 0.
 */
export const collateEncodings = (
  encodings: readonly Encoding[],
  signature: Signature,
  tokenizer: Pick<Tokenizer, 'padId' | 'paddingSide'>,
): Tensors => {
  const width = fixedLength(signature) ?? Math.max(1, ...encodings.map(({ ids }) => ids.length));
  const shape = [encodings.length, width];
  return Object.fromEntries(
    signature.inputs.map(({ name, dtype }) => {
      const valueAt = FIELDS[name] as (typeof FIELDS)[string];
      const values = new Int32Array(encodings.length * width).fill(name === 'input_ids' ? tokenizer.padId : 0);
      encodings.forEach((encoding, row) => {
        const start = row * width + rowStart(encoding, width, tokenizer);
        encoding.ids.forEach((_, position) => {
          values[start + position] = valueAt(encoding, position);
        });
      });
      const data = dtype === 'int64' ? BigInt64Array.from(values, BigInt) : values;
      return [name, { dtype, shape, data } as Tensor];
    }),
  );
};
