import { ServingError } from '../../core/errors.ts';
import type { JobMessage } from './jobs.ts';
import { runJob } from './run-job.ts';
import type { FromMeasuring } from './start-job.ts';

/*
 * The process in which a candidate is measured: a graph can crash the runtime, and memory can only be measured from the begin. It does
 * one job, and ends.
 */

const send = (message: FromMeasuring): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });

process.once('message', async (message: JobMessage) => {
  try {
    await send({ type: 'done', result: await runJob(message) });
  } catch (error) {
    const { code, message: problem } = ServingError.from(error);
    await send({ type: 'failed', code, message: problem });
  }
  process.exit();
});
