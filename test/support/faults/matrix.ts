import type { EmbeddedStorage } from '../embedded-storage.ts';
import { FAULTS, type Fault, startFaultyProxy } from '../faulty-proxy.ts';
import { DEADLINE_MS, OPERATIONS, type Operation, startProcess } from './operations.ts';

/** The outcome of an operation behind a fault. */
export interface Cell {
  readonly operation: Operation;
  readonly fault: Fault;
  /** The answer while S3 fails. */
  readonly during: string;
  /** The first two answers when S3 is healthy again. More follow while none is right: a busy machine is silent, too. */
  readonly after: readonly string[];
  /** Requests to S3 while it failed. */
  readonly requests: number;
  readonly overDeadlineMs: number;
}

const CELLS_AT_ONCE = 12;
const MOST_ANSWERS = 8;
/** An operation that has not ended by then hangs. */
const HANGS_AFTER_MS = 10 * DEADLINE_MS;

const orHangs = async (work: Promise<string>): Promise<string> => {
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('hangs'), HANGS_AFTER_MS);
  });
  return Promise.race([work, hangs]).finally(() => clearTimeout(timer));
};

const measure = async (storage: EmbeddedStorage, operation: Operation, fault: Fault, model: string): Promise<Cell> => {
  const proxy = await startFaultyProxy(storage.endpoint);
  const process = await startProcess(storage, proxy, model);
  try {
    await operation.prepare?.(process);
    proxy.rules = [{ ...operation.requests, fault }];
    const [before, startMs] = [proxy.requests, performance.now()];
    const during = await orHangs(operation.perform(process));
    const overDeadlineMs = Math.max(0, Math.round(performance.now() - startMs - DEADLINE_MS));
    const requests = proxy.requests - before;
    proxy.rules = [];
    process.serving.clock.nowMs += 3 * 30_000; // a known routing is read again
    const first = await orHangs(operation.perform(process));
    await process.settle();
    const after = [first, await orHangs(operation.perform(process))];
    while (!after.some((answer) => operation.right.test(answer)) && after.length < MOST_ANSWERS) {
      process.serving.clock.nowMs += 3 * 30_000;
      await orHangs(operation.perform(process));
      await process.settle();
      after.push(await orHangs(operation.perform(process)));
    }
    return { operation, fault, during, after, requests, overDeadlineMs };
  } finally {
    proxy.stop();
    await process.serving.remove();
  }
};

/** Measures every operation behind every fault, some at once. */
export const measureMatrix = async (storage: EmbeddedStorage): Promise<Cell[]> => {
  const wanted = OPERATIONS.flatMap((operation) => FAULTS.map((fault) => ({ operation, fault })));
  const cells: Cell[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next; index < wanted.length; index = next) {
      next += 1;
      const { operation, fault } = wanted[index] as (typeof wanted)[number];
      cells[index] = await measure(storage, operation, fault, `m-${index}`);
    }
  };
  await Promise.all(Array.from({ length: CELLS_AT_ONCE }, work));
  return cells;
};

const tableOf = (cells: readonly Cell[]): string =>
  [
    '| fault | answer meanwhile | first and second answer after it | requests | ms over the deadline |',
    '|---|---|---|---|---|',
    ...cells.map(
      ({ fault, during, after, requests, overDeadlineMs }) =>
        `| ${fault} | ${during} | ${after.join(', ')} | ${requests} | ${overDeadlineMs} |`,
    ),
  ].join('\n');

/** The matrix as sections of a page, one for each operation. */
export const toPage = (cells: readonly Cell[]): string =>
  OPERATIONS.map((operation) => {
    const own = cells.filter((cell) => cell.operation === operation);
    return `### ${operation.name}\n\n${tableOf(own)}\n`;
  }).join('\n');
