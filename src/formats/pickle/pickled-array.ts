import { elementCount } from '../../core/tensor.ts';
import type { Budget } from './budget.ts';
import { toNumpyType } from './numpy-type.ts';
import { refuse } from './refuse.ts';
import { type NumpyArray, type NumpyType, PyTuple, type PyValue } from './values.ts';

/** An array that a pickle names before it fills it: references to it stay. */
export class PickledArray implements NumpyArray {
  readonly isArray = true;
  type: NumpyType = { kind: 'u1', bytes: 1, isBigEndian: false };
  shape: readonly number[] = [0];
  isFortran = false;
  content: NumpyArray['content'] = new Uint8Array();

  /** @throws `MODEL_INVALID` when the content is not as long as type and shape say */
  fill({ type, shape, isFortran, content }: Omit<NumpyArray, 'isArray'>): this {
    const count = elementCount(shape);
    const length = content instanceof Uint8Array ? count * type.bytes : count;
    const isNamable = content instanceof Uint8Array !== (type.kind === 'O');
    if (!isNamable || length !== content.length || count > Math.max(1, content.length))
      refuse(
        `an array of ${type.kind}[${shape.slice(0, 8)}] has ${content.length} bytes or elements, and that is wrong`,
      );
    Object.assign(this, { type, shape, isFortran, content });
    return this;
  }
}

/** A shape as a pickle has it: a tuple, or a number for one dimension. */
export const toShape = (value: PyValue | undefined): readonly number[] => {
  const sizes = value instanceof PyTuple ? value.items : [value];
  return sizes.map((size) =>
    typeof size === 'number' && Number.isSafeInteger(size) && size >= 0
      ? size
      : refuse('the shape of an array is damaged'),
  );
};

/** Bytes of the elements; Python 2 wrote them as text of Latin-1, a byte a character. */
const toContent = (value: PyValue | undefined, budget: Budget): NumpyArray['content'] => {
  if (value instanceof Uint8Array || Array.isArray(value)) return value;
  if (typeof value !== 'string') return refuse('the elements of an array are missing');
  budget.spend(value.length);
  return Buffer.from(value, 'latin1');
};

/** Fills an array from the state of `ndarray.__reduce__`: version (from numpy 1.0), shape, type, order, elements. */
export const buildArray = (array: PickledArray, state: PyValue, budget: Budget): void => {
  if (!(state instanceof PyTuple)) refuse('the state of an array is damaged');
  const [shape, dtype, isFortran, content] = state.items.slice(-4);
  array.fill({
    type: toNumpyType(dtype, budget),
    shape: toShape(shape),
    isFortran: isFortran === true || isFortran === 1,
    content: toContent(content, budget),
  });
};
