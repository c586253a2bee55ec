import { type ChildProcess, fork } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureVirtualEnvironment } from '../support/virtual-environment.ts';
import { findModels } from './cases.ts';
import type { Outcome } from './check-case.ts';
import { toTable } from './table.ts';
import type { Checked, FromWorker } from './worker.ts';

/**
 * `npm run conformance` pushes the models of the `onnx` package, answers their inputs by the application, and compares the outputs with the
 * expected ones. `-- --sample 150` takes so many of them, the same ones each time; `-- --only <text>` those whose name has the text.
 */

const WORKER = join(import.meta.dirname, 'worker.ts');

const findSuite = async (): Promise<string> => {
  const programs = await ensureVirtualEnvironment(
    resolve('.venv/conformance'),
    join(import.meta.dirname, 'requirements.txt'),
  );
  for await (const path of glob('lib/python*/site-packages/onnx/backend/test/data', { cwd: dirname(programs) }))
    return join(dirname(programs), path);
  throw new Error('the onnx package has no backend/test/data');
};

/** Every n-th of `paths`, `size` of them. */
const sampleOf = (paths: readonly string[], size: number): string[] =>
  size >= paths.length
    ? [...paths]
    : paths.filter(
        (_, index) => Math.floor((index * size) / paths.length) !== Math.floor(((index - 1) * size) / paths.length),
      );

/** Checks the model at `path` in `worker`. A worker that ends has its reason in the outcome. */
const checkIn = (worker: ChildProcess, path: string, directory: string): Promise<Checked> => {
  const name = relative(directory, dirname(path));
  return new Promise((resolveCheck) => {
    let hasRun = false;
    const onEnd = (): void => {
      const reason = `it ended the process (${worker.signalCode ?? worker.exitCode})`;
      finish({ name, outcome: { kind: hasRun ? 'refused' : 'runtime', reason } });
    };
    const onMessage = (message: FromWorker): void => {
      if ('outcome' in message) finish(message);
      else hasRun = true;
    };
    const finish = (checked: Checked): void => {
      worker.off('exit', onEnd).off('message', onMessage);
      resolveCheck(checked);
    };
    worker.once('exit', onEnd).on('message', onMessage).send({ path, directory });
  });
};

/** Checks models from the shared list `paths` until it is empty. */
const work = async (
  paths: string[],
  directory: string,
  onOutcome: (name: string, outcome: Outcome) => void,
): Promise<void> => {
  let worker = fork(WORKER);
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const { name, outcome } = await checkIn(worker, path, directory);
    onOutcome(name, outcome);
    if (!worker.connected) worker = fork(WORKER);
  }
  worker.disconnect();
};

const { values } = parseArgs({
  options: { sample: { type: 'string' }, only: { type: 'string', default: '' }, verbose: { type: 'boolean' } },
});
const directory = await findSuite();
const paths = sampleOf(
  (await findModels(directory)).filter((path) => path.includes(values.only)),
  Number(values.sample ?? Number.POSITIVE_INFINITY),
);
const outcomes = new Map<string, Outcome>();
const workers = Array.from({ length: availableParallelism() }, () =>
  work(paths, directory, (name, outcome) => {
    outcomes.set(name, outcome);
    if (values.verbose) console.log(`${name}: ${outcome.kind} ${'reason' in outcome ? outcome.reason : ''}`);
  }),
);
await Promise.all(workers);
console.log(toTable(outcomes));
if ([...outcomes.values()].some(({ kind }) => kind === 'refused' || kind === 'unequal')) process.exitCode = 1;
