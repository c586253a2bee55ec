import { refuse } from '../../core/errors.ts';
import { fromHalf } from '../../core/half.ts';
import { elementCount, formatSpec, type Tensor, tensor } from '../../core/tensor.ts';

/** Digits of a score behind its point, as Triton writes it. */
const DIGITS = 6;

interface Score {
  readonly score: number;
  readonly index: number;
}

/** The higher score first, and what is no number last. A difference would tell nothing of infinities. */
const byRank = ({ score: one }: Score, { score: other }: Score): number => {
  if (one === other) return 0;
  if (Number.isNaN(one) || Number.isNaN(other)) return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
  return one < other ? 1 : -1;
};

/**
 * The best `count` classes of each row as texts `score:index:label`, best first; without a label where there is none for a class.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md
 *
 * @throws `INVALID_REQUEST` for an output of strings
 */
export const classify = (name: string, output: Tensor, count: number, labels: readonly string[]): Tensor => {
  const { dtype, shape, data } = output;
  if (dtype === 'string')
    return refuse('INVALID_REQUEST', `output "${name}" is ${formatSpec(output)}: strings have no best classes`);
  const [rows = 1] = shape.length > 1 ? shape : [1];
  const width = elementCount(shape) / Math.max(1, rows);
  const toScore = (value: number | bigint | string): number =>
    dtype === 'float16' ? fromHalf(Number(value)) : Number(value);
  const texts = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: width }, (_element, index) => ({ score: toScore(data[row * width + index] ?? 0), index }))
      .sort(byRank)
      .slice(0, count)
      .map(({ score, index }) => [score.toFixed(DIGITS), index, ...labels.slice(index, index + 1)].join(':')),
  );
  const best = Math.min(count, width);
  return tensor('string', shape.length > 1 ? [rows, best] : [best], texts.flat());
};
