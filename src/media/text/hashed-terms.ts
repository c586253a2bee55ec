import * as v from 'valibot';
import { type Tensor, tensor } from '../../core/tensor.ts';

/** Most columns, as the hash has 31 bits without its sign. */
const MOST_COLUMNS = 2 ** 31 - 1;

/** The way from terms to columns, with the names and the meaning of scikit-learn's HashingVectorizer. */
export const hashingSchema = v.object({
  n_features: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_COLUMNS)),
  alternate_sign: v.boolean(),
  binary: v.boolean(),
  norm: v.nullable(v.picklist(['l1', 'l2'])),
  dtype: v.picklist(['float32', 'float64']),
});

export type HashingSettings = v.InferOutput<typeof hashingSchema>;

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

const scramble = (block: number): number => Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);

/** MurmurHash3 of 32 bits with a sign and the seed 0, of the UTF-8 of `term`. */
export const hashOf = (term: string): number => {
  const bytes = Buffer.from(term);
  const end = bytes.length - (bytes.length % 4);
  let hash = 0;
  for (let at = 0; at < end; at += 4)
    hash = (Math.imul(rotate(hash ^ scramble(bytes.readInt32LE(at)), 13), 5) + 0xe6546b64) | 0;
  let rest = 0;
  for (let at = bytes.length - 1; at >= end; at -= 1) rest = (rest << 8) | (bytes[at] ?? 0);
  hash ^= scramble(rest) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
};

/** The norm of a row, added up in the order of its columns. */
const normOf = (counts: readonly number[], norm: HashingSettings['norm']): number => {
  if (norm === null) return 1;
  if (norm === 'l1') return counts.reduce((sum, count) => sum + Math.abs(count), 0);
  return Math.sqrt(counts.reduce((sum, count) => sum + count * count, 0));
};

/** Columns in ascending order with their values. A column whose terms cancel each other stays, with 0, or with 1 in a binary row. */
const hashRow = (terms: readonly string[], settings: HashingSettings): (readonly [column: number, value: number])[] => {
  const counts = new Map<number, number>();
  for (const term of terms) {
    const hash = hashOf(term);
    const column = Math.abs(hash) % settings.n_features;
    counts.set(column, (counts.get(column) ?? 0) + (settings.alternate_sign && hash < 0 ? -1 : 1));
  }
  const row = [...counts].sort(([one], [other]) => one - other);
  const values = row.map(([, count]) => (settings.binary ? 1 : count));
  const norm = normOf(values, settings.norm) || 1; // a row of zeros stays
  return row.map(([column], place) => {
    const value = (values[place] ?? 0) / norm;
    return [column, settings.dtype === 'float32' ? Math.fround(value) : value];
  });
};

/** The columns of hashed terms and their values, float64[N,columns,2]. Shorter rows are padded with zeros. */
export const toHashedTensor = (terms: readonly (readonly string[])[], settings: HashingSettings): Tensor => {
  const rows = terms.map((own) => hashRow(own, settings));
  const width = rows.reduce((most, { length }) => Math.max(most, length), 1);
  const data = new Float64Array(rows.length * width * 2);
  for (const [row, own] of rows.entries()) data.set(own.flat(), row * width * 2);
  return tensor('float64', [rows.length, width, 2], data);
};
