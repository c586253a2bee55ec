import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** An element of a chunk: an object, a row, or a row that cannot be read. A row of CSV has its line, and cells by the names of columns. */
export const elementSchema = v.union([
  v.object({ key: v.string() }),
  v.object({ row: count, line: v.optional(count), problem: v.string() }),
  v.object({ row: count, line: v.optional(count), input: v.unknown() }),
]);
export type BulkElement = v.InferOutput<typeof elementSchema>;
