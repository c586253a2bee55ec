import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { toExactJson } from '../../protocol/json.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import type { BulkElement } from './bulk-element.ts';
import { type BulkRun, chunkFailuresKey, resultKey } from './bulk-run.ts';
import { joinedColumns } from './joined-columns.ts';
import { RESULT_FILES } from './result-file.ts';

/** The end of a chunk. `isKnown` means that an earlier child has written it. */
export interface ChunkEnd {
  readonly succeeded: number;
  readonly failed: number;
  readonly isKnown: boolean;
}

/** A line of the answers or of the failures. */
export const lineSchema = v.object({ isAnswer: v.boolean(), text: v.string() });
export type ElementLine = v.InferOutput<typeof lineSchema>;

/** @param json the answer as JSON text */
export const answerLine = (element: BulkElement, json: string, join: readonly string[] = []): ElementLine => {
  const columns = join.length === 0 ? {} : { columns: joinedColumns(element, join) };
  const place = 'key' in element ? { key: element.key } : { row: element.row, ...columns };
  return { isAnswer: true, text: `${toExactJson(place).slice(0, -1)},"answer":${json}}` };
};

/** A failure with everything that another run needs to try it again. */
export const failureLine = (element: BulkElement, { code, message }: Pick<ServingError, 'code' | 'message'>) => ({
  isAnswer: false,
  text: toExactJson({ ...element, code, message }),
});

/** The end of a chunk that is done; undefined for any other. @throws `INTERNAL` for results without their counts */
export const readEnd = async (
  data: ObjectStore,
  run: Pick<BulkRun, 'name' | 'format'>,
  chunk: number,
): Promise<ChunkEnd | undefined> => {
  const key = resultKey(run, chunk);
  const head = await unlessMissing(data.head(key));
  if (head === undefined) return undefined;
  const [succeeded, failed] = [Number(head.metadata.succeeded), Number(head.metadata.failed)];
  if (Number.isInteger(succeeded) && Number.isInteger(failed)) return { succeeded, failed, isKnown: true };
  throw new ServingError(
    'INTERNAL',
    `${key} has no counts in its metadata; remove it, and batch resume ${run.name} writes it again`,
  );
};

/** Writes the answers last: a chunk with answers is done. A child that was faster keeps its answers and its failures. */
export const writeEnd = async (
  data: ObjectStore,
  run: BulkRun,
  chunk: number,
  lines: readonly ElementLine[],
): Promise<ChunkEnd> => {
  const answers = lines.filter(({ isAnswer }) => isAnswer).map(({ text }) => text);
  const failures = lines.filter(({ isAnswer }) => !isAnswer).map(({ text }) => `${text}\n`);
  if (failures.length > 0) {
    const known = await readEnd(data, run, chunk);
    if (known) return known;
    await data.write(chunkFailuresKey(run.name, chunk), failures.join(''));
  }
  const { contentType, encode } = RESULT_FILES[run.format];
  const metadata = { succeeded: String(answers.length), failed: String(failures.length) };
  const options = { condition: { ifNoneMatch: '*' }, contentType, metadata } as const;
  const isKnown = await data.write(resultKey(run, chunk), await encode(answers), options).then(
    () => false,
    (error: unknown) => {
      if (ServingError.from(error).code === 'CONFLICT') return true;
      throw error;
    },
  );
  return { succeeded: answers.length, failed: failures.length, isKnown };
};
