import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { toExactJson } from '../../protocol/json.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import type { BulkElement } from './bulk-element.ts';
import { type BulkRun, chunkFailuresKey, resultKey, unnamedFailuresKey } from './bulk-run.ts';
import { joinedColumns } from './joined-columns.ts';
import { RESULT_FILES } from './result-file.ts';

/** The end of a chunk. `isKnown` means that an earlier child has written it. */
export interface ChunkEnd {
  readonly succeeded: number;
  readonly failed: number;
  readonly isKnown: boolean;
}

/** A chunk that is done, and the object of its failures if it has any. */
export interface DoneChunk {
  readonly end: ChunkEnd;
  readonly failuresKey: string | undefined;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** The answers and failures of elements that lie one behind the other: lines of JSON, each with its line end. */
export const linesSchema = v.object({ succeeded: count, failed: count, answers: v.string(), failures: v.string() });
export type ElementLines = v.InferOutput<typeof linesSchema>;

const NO_LINES: ElementLines = { succeeded: 0, failed: 0, answers: '', failures: '' };

const countElements = ({ succeeded, failed }: ElementLines): number => succeeded + failed;

export const joinLines = (parts: readonly ElementLines[]): ElementLines => {
  let { succeeded, failed, answers, failures } = NO_LINES;
  for (const part of parts) {
    succeeded += part.succeeded;
    failed += part.failed;
    answers += part.answers;
    failures += part.failures;
  }
  return { succeeded, failed, answers, failures };
};

/** @param json the answer as JSON text */
export const answerLine = (element: BulkElement, json: string, join: readonly string[] = []): string => {
  const columns =
    join.length === 0 || 'key' in element ? '' : `"columns":${toExactJson(joinedColumns(element, join))},`;
  const place = 'key' in element ? `"key":${JSON.stringify(element.key)}` : `"row":${element.row}`;
  return `{${place},${columns}"answer":${json}}\n`;
};

/** A failure with everything that another run needs to try it again. */
export const failureLine = (element: BulkElement, { code, message }: Pick<ServingError, 'code' | 'message'>): string =>
  `${toExactJson({ ...element, code, message })}\n`;

export const answered = (answers: string, succeeded = 1): ElementLines => ({ ...NO_LINES, succeeded, answers });
export const refused = (failures: string): ElementLines => ({ ...NO_LINES, failed: 1, failures });

/** The results of a chunk that is done; undefined for any other. @throws `INTERNAL` for results that do not say it */
export const readDone = async (
  data: ObjectStore,
  run: Pick<BulkRun, 'name' | 'format'>,
  chunk: number,
): Promise<DoneChunk | undefined> => {
  const key = resultKey(run, chunk);
  const head = await unlessMissing(data.head(key));
  if (head === undefined) return undefined;
  const [succeeded, failed] = [Number(head.metadata.succeeded), Number(head.metadata.failed)];
  if (Number.isInteger(succeeded) && Number.isInteger(failed)) {
    const failuresKey = failed > 0 ? (head.metadata.failures ?? unnamedFailuresKey(run.name, chunk)) : undefined;
    return { end: { succeeded, failed, isKnown: true }, failuresKey };
  }
  throw new ServingError(
    'INTERNAL',
    `${key} does not say in its metadata what it holds; remove it, and batch resume ${run.name} writes it again`,
  );
};

/** The lines of a chunk, whose answers are encoded while others are still to come. */
export const createChunkLines = ({ format }: Pick<BulkRun, 'format'>, done = NO_LINES) => {
  const file = RESULT_FILES[format].create();
  const parts = [done];
  let elements = countElements(done);
  file.add(done.answers);
  return {
    /** The elements that have lines: those at the beginning of the chunk. */
    done: () => elements,
    add: (lines: ElementLines): void => {
      parts.push(lines);
      elements += countElements(lines);
      file.add(lines.answers);
    },
    joined: () => joinLines(parts),
    endFile: () => file.end(),
  };
};
export type ChunkLines = ReturnType<typeof createChunkLines>;

/**
 * Writes the answers last: a chunk with answers is done. They name the object of their failures, so that of children that end together the
 * first one gives both.
 */
export const writeEnd = async (
  data: ObjectStore,
  run: BulkRun,
  chunk: number,
  lines: ChunkLines,
): Promise<ChunkEnd> => {
  const { succeeded, failed, failures } = lines.joined();
  const named = failed > 0 ? { failures: chunkFailuresKey(run.name, chunk, failures) } : {};
  if (named.failures !== undefined) await data.write(named.failures, failures);
  const options = {
    condition: { ifNoneMatch: '*' },
    contentType: RESULT_FILES[run.format].contentType,
    metadata: { succeeded: String(succeeded), failed: String(failed), ...named },
  } as const;
  try {
    await data.write(resultKey(run, chunk), await lines.endFile(), options);
    return { succeeded, failed, isKnown: false };
  } catch (error) {
    const done = ServingError.from(error).code === 'CONFLICT' ? await readDone(data, run, chunk) : undefined;
    if (done) return done.end;
    throw error;
  }
};
