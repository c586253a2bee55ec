import { elementCount } from '../../core/tensor.ts';
import type { Budget } from './budget.ts';
import type { ByteReader } from './byte-reader.ts';
import { toNumpyType } from './numpy-type.ts';
import { PickledArray, toShape } from './pickled-array.ts';
import { refuse } from './refuse.ts';
import { isNumpyArray, type PyValue } from './values.ts';

/** The place of an array in a file of joblib. The elements follow its state in the file. */
export class JoblibArray extends PickledArray {}

interface Source {
  readonly reader: ByteReader;
  readonly budget: Budget;
  /** Reads the pickle that follows, with a memo of its own; undefined inside such a pickle. */
  readonly readNested: (() => PyValue) | undefined;
}

/**
 * Fills an array from the state of a `NumpyArrayWrapper` and the bytes behind it. Elements of the type `object` are a pickle of their own.
 * https://github.com/joblib/joblib/blob/1.5.1/joblib/numpy_pickle.py (NumpyArrayWrapper.read_array)
 */
export const buildJoblibArray = (array: JoblibArray, state: PyValue, { reader, budget, readNested }: Source): void => {
  if (!(state instanceof Map)) refuse('the state of an array of joblib is damaged');
  if (readNested === undefined) refuse('an array of joblib lies inside the elements of another');
  const type = toNumpyType(state.get('dtype'), budget);
  const shape = toShape(state.get('shape'));
  if (type.kind === 'O') {
    const nested = readNested();
    array.fill(isNumpyArray(nested) ? nested : refuse('the elements of an array of joblib are damaged'));
    return;
  }
  if (typeof state.get('numpy_array_alignment_bytes') === 'number') reader.take(reader.uint8());
  const content = reader.take(elementCount(shape) * type.bytes);
  array.fill({ type, shape, isFortran: state.get('order') === 'F', content });
};
