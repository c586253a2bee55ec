import { numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray, PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import { refuse } from '../refuse.ts';
import type { Matrix } from './matrix.ts';

/** Most numbers of a sparse matrix once its zeros are written out: 128 MB. A small file may claim any shape. */
const MOST_NUMBERS = 16e6;

const SPARSE = /^scipy[.]sparse[.].*[.](?:csr_matrix|csr_array)$/;

/** The rows of a matrix as scipy keeps them: those that a row has of `columns` and `values` begin at its number in `starts`. */
interface CompressedRows {
  readonly starts: Float64Array;
  readonly columns: Float64Array;
  readonly values: Float64Array;
}

const readRows = (state: ReadonlyMap<PyValue, PyValue>): CompressedRows | undefined => {
  const vector = (name: string): Float64Array | undefined => {
    const value = state.get(name);
    return isNumpyArray(value) ? numbersOf(value) : undefined;
  };
  const [starts, columns, values] = [vector('indptr'), vector('indices'), vector('data')];
  return starts && columns && values && { starts, columns, values };
};

/** True where each row begins where the one before ends, the first at 0, and each column is one of the matrix. */
const isSound = ({ starts, columns, values }: CompressedRows, rows: number, width: number): boolean =>
  starts.length === rows + 1 &&
  starts[0] === 0 &&
  starts.every((start, row) => Number.isInteger(start) && start >= (starts[row - 1] ?? 0) && start <= values.length) &&
  columns.length === values.length &&
  columns.every((column) => Number.isInteger(column) && column >= 0 && column < width);

/**
 * A sparse matrix of scipy with all of its zeros, as classifiers keep the texts that they were fitted on; undefined for anything else.
 * @throws `MODEL_INVALID` for one that is too large, or damaged
 */
export const readSparseMatrix = (value: PyValue | undefined): Matrix | undefined => {
  if (!(value instanceof PyObject) || !SPARSE.test(value.type.path) || !(value.state instanceof Map)) return undefined;
  const shape = value.state.get('_shape') ?? value.state.get('shape');
  const [rows = 0, columns = 0] = shape instanceof PyTuple ? shape.items.map(Number) : [];
  if (![rows, columns].every((size) => Number.isInteger(size) && size >= 1) || rows * columns > MOST_NUMBERS)
    refuse(
      `a sparse matrix is [${rows},${columns}], at most ${MOST_NUMBERS} numbers are taken: limit max_features of its vectorizer`,
    );
  const compressed = readRows(value.state);
  if (compressed === undefined || !isSound(compressed, rows, columns)) return refuse('a sparse matrix is damaged');
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row += 1)
    for (let at = compressed.starts[row] ?? 0; at < (compressed.starts[row + 1] ?? 0); at += 1) {
      const place = row * columns + (compressed.columns[at] ?? 0);
      values[place] = (values[place] ?? 0) + (compressed.values[at] ?? 0);
    }
  return { rows, columns, values };
};
