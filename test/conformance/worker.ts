import { messageOf } from '../../src/core/message-of.ts';
import { readCase } from './cases.ts';
import { type Outcome, runRaw, serve } from './check-case.ts';
import { findDifference } from './compare.ts';

/*
 * A process that checks one model after another: a graph may crash the runtime.
 */

export interface Checked {
  readonly name: string;
  readonly outcome: Outcome;
}

/** A message of the process: the runtime ran the model, or the outcome is known. */
export type FromWorker = { readonly step: 'ran' } | Checked;

const check = async (path: string, directory: string, onRun: () => void): Promise<Checked> => {
  const one = await readCase(path, directory);
  const { name } = one;
  if ('uncarried' in one) return { name, outcome: { kind: 'uncarried', reason: one.uncarried } };
  const outputs = await runRaw(one).catch((error: unknown) => messageOf(error));
  const difference = typeof outputs === 'string' ? outputs : findDifference(outputs, one.outputs);
  if (difference === undefined) onRun();
  const outcome = await serve(one);
  if (difference === undefined || !('reason' in outcome)) return { name, outcome };
  return {
    name,
    outcome: { kind: 'runtime', reason: typeof outputs === 'string' ? difference : `another answer: ${difference}` },
  };
};

const send = (message: FromWorker): void => {
  process.send?.(message);
};

process.on('message', async ({ path, directory }: { readonly path: string; readonly directory: string }) => {
  send(await check(path, directory, () => send({ step: 'ran' })));
});
