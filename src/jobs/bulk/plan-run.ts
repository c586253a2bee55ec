import { toExactJson } from '../../protocol/json.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { type BulkPlan, type BulkRun, chunkKey, type PlannedLine, readPlan, writePlan } from './bulk-run.ts';

/** An element, or a slice of a table, and the place in its source from which a plan goes on behind it. */
export interface SourceElement {
  readonly element: PlannedLine;
  /** The elements that it holds; 1 without it. */
  readonly elements?: number;
  readonly cursor: string;
}

/** Reads a source from a place on; an empty cursor is its beginning. */
export type ReadSource = (cursor: string) => AsyncIterable<SourceElement>;

/** Chunks that are written side by side, before the plan is written down. */
const CHUNKS_OF_STEP = 16;
/** Bytes after which a chunk ends before it has all its elements: a child reads it whole. */
export const MOST_CHUNK_BYTES = 8 * 1024 * 1024;

/**
 * Writes the chunks of a run, from where an earlier plan ended. A step is in memory, and no more. Chunks behind the plan that was written
 * down are written again with the same elements.
 * @returns the whole plan
 */
export const planRun = async (
  data: ObjectStore,
  { name, chunk: size }: BulkRun,
  readSource: ReadSource,
  onProgress: (elements: number) => void = () => undefined,
): Promise<BulkPlan> => {
  let plan = await readPlan(data, name);
  if (plan.isComplete) return plan;
  let chunks: string[][] = [];
  let [inStep, inChunk, bytes] = [0, 0, 0];
  let cursor = plan.cursor;

  const flush = async (isComplete: boolean): Promise<void> => {
    const { chunks: first, elements } = plan;
    await Promise.all(
      chunks.map((chunk, index) =>
        data.write(chunkKey(name, first + index), `${chunk.join('\n')}\n`, { contentType: 'application/jsonl' }),
      ),
    );
    plan = { chunks: first + chunks.length, elements: elements + inStep, cursor, isComplete };
    await writePlan(data, name, plan);
    [chunks, inStep] = [[], 0];
    onProgress(plan.elements);
  };

  for await (const next of readSource(plan.cursor)) {
    const { elements = 1 } = next;
    if (chunks.length === 0 || inChunk + elements > size || bytes >= MOST_CHUNK_BYTES) {
      if (chunks.length === CHUNKS_OF_STEP) await flush(false);
      chunks.push([]);
      [inChunk, bytes] = [0, 0];
    }
    const line = toExactJson(next.element);
    chunks.at(-1)?.push(line);
    [inStep, inChunk, bytes] = [inStep + elements, inChunk + elements, bytes + Buffer.byteLength(line)];
    cursor = next.cursor;
  }
  await flush(true);
  return plan;
};

/** The objects below a prefix. The markers of folders are no objects that anybody uploaded. */
export const prefixSource = (data: ObjectStore, prefix: string): ReadSource =>
  async function* (cursor) {
    for await (const { key } of data.list(prefix, cursor || undefined))
      if (!key.endsWith('/')) yield { element: { key }, cursor: key };
  };
