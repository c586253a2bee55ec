import { setTimeout as sleep } from 'node:timers/promises';
import { ServingError } from '../../src/core/errors.ts';
import type { BulkElement } from '../../src/jobs/bulk/bulk-element.ts';
import {
  type BulkRun,
  createRun,
  failuresKey,
  manifestKey,
  readChunk,
  readExecution,
  readPlan,
  readRun,
  resultsPrefix,
  toElements,
  writeExecution,
} from '../../src/jobs/bulk/bulk-run.ts';
import { planRun, type ReadSource } from '../../src/jobs/bulk/plan-run.ts';
import { createSummariser, writeManifest } from '../../src/jobs/bulk/summarise-run.ts';
import type { Report } from '../command.ts';
import { formatShare } from '../output/format.ts';
import type { Terminal } from '../output/terminal.ts';
import { estimate, formatEstimate } from './bulk-estimate.ts';
import { openSource } from './bulk-source.ts';
import { type Executions, openExecutions } from './executions.ts';
import type { Target } from './target.ts';

const POLL_MS = 1_000;

export interface BulkRequest {
  readonly target: Target;
  readonly terminal: Terminal;
  /** Does not wait for the end. */
  readonly detach: boolean;
  /** Takes the place of the limit of the run. */
  readonly maxFailures: number | undefined;
}

type Summary = Awaited<ReturnType<ReturnType<typeof createSummariser>>>;

const formatElements = (count: number): string => `${count} ${count === 1 ? 'element' : 'elements'}`;
const formatChunks = (count: number): string => `${count} ${count === 1 ? 'chunk' : 'chunks'}`;

const describe = (
  run: BulkRun,
  { counted: _counted, ...summary }: Summary,
  status: string,
  rest: object = {},
): Report => {
  const { elements, succeeded, failed } = summary;
  const missing = elements - succeeded - failed;
  const counts = `${succeeded} of ${formatElements(elements)} answered by ${run.model} version ${run.version}, ${failed} failed`;
  const left = missing === 0 ? '' : `, ${missing} left`;
  return {
    json: { ...run, ...summary, status, ...rest },
    text: `Run ${run.name} ${status}: ${counts}${left}. The results lie below ${resultsPrefix(run.name)}`,
  };
};

const isOver = ({ chunks, isPlanned }: Summary): boolean => isPlanned && chunks.done === chunks.total;

/**
 * Follows an execution to its end, and stops it when too many elements fail.
 * @throws `INFERENCE_FAILED` when too many have failed, also when the run ended before it could be stopped
 */
const follow = async (
  { target: { data }, terminal, ...request }: BulkRequest,
  executions: Executions,
  run: BulkRun,
  arn: string,
): Promise<Report> => {
  const summarise = createSummariser(data, run);
  const maxFailures = request.maxFailures ?? run.maxFailures;
  const onProgress = terminal.progress('Answering', formatElements);
  for (;;) {
    const isRunning = await executions.isRunning(arn);
    const summary = await summarise();
    const { succeeded, failed, elements } = summary;
    onProgress(succeeded + failed, elements);
    if (failed > maxFailures * elements) {
      if (isRunning) await executions.stop(arn);
      await writeManifest(data, run, summary);
      const limit = `more than ${formatShare(maxFailures)} of ${formatElements(elements)}`;
      const remedy = isRunning ? `; go on with more: batch resume ${run.name} --max-failures 100%` : '';
      throw new ServingError(
        'INFERENCE_FAILED',
        `the run ${isRunning ? 'was stopped' : 'is over'}: ${failed} failed, ${limit}; ${failuresKey(run.name)} has the reasons${remedy}`,
      );
    }
    if (!isRunning) {
      const reasons = await writeManifest(data, run, summary);
      const status = isOver(summary)
        ? 'is complete'
        : 'has ended with chunks that failed; batch resume runs them again';
      return describe(run, summary, status, { reasons, manifest: manifestKey(run.name) });
    }
    await sleep(POLL_MS);
  }
};

const execute = async (request: BulkRequest, executions: Executions, run: BulkRun): Promise<Report> => {
  const { data } = request.target;
  const arn = await executions.start(run);
  await writeExecution(data, run.name, arn);
  if (request.detach) return describe(run, await createSummariser(data, run)(), 'was started');
  return follow(request, executions, run, arn);
};

const countElements = async (readSource: ReadSource) => {
  let elements = 0;
  let firsts: readonly BulkElement[] = [];
  for await (const { element, elements: count = 1 } of readSource('')) {
    if (firsts.length === 0) firsts = [...toElements([element])];
    elements += count;
  }
  return { elements, firsts };
};

/** A run without elements would keep its name from the next one. @throws `INVALID_REQUEST` for a source without elements */
const assertElements = async (readSource: ReadSource, source: string): Promise<void> => {
  for await (const _first of readSource('')) return;
  throw new ServingError('INVALID_REQUEST', `${source} has no elements`);
};

export interface NewRun extends BulkRequest {
  readonly run: BulkRun;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** Plans a run, asks, and runs it. */
export const startRun = async (request: NewRun): Promise<Report> => {
  const { target, terminal, run, dryRun, yes } = request;
  const executions = openExecutions(target);
  try {
    const source = await openSource(target.data, run);
    if (dryRun) {
      const { elements, firsts } = await countElements(source);
      const found = await estimate(target, run, firsts, elements);
      const text = `Would answer ${formatElements(elements)} in ${formatChunks(Math.ceil(elements / run.chunk))}: ${formatEstimate(found)}`;
      return { json: { ...run, elements, estimate: found, dryRun }, text };
    }
    await assertElements(source, run.source);
    await createRun(target.data, run);
    const plan = await planRun(target.data, run, source, (count) => terminal.step(`Planning ${count}`));
    terminal.step('');
    const firsts = [...toElements(await readChunk(target.data, run.name, 0))];
    const found = formatEstimate(await estimate(target, run, firsts, plan.elements));
    const question = `Answer ${formatElements(plan.elements)} in ${formatChunks(plan.chunks)} (${found})`;
    if (!yes && !(await terminal.confirm(question, 'say so with --yes')))
      throw new ServingError('INVALID_REQUEST', `nothing was run; the plan stays: batch resume ${run.name}`);
    return await execute(request, executions, run);
  } finally {
    executions.close();
  }
};

interface OnRun extends BulkRequest {
  readonly run: BulkRun;
  readonly executions: Executions;
  readonly arn: string | undefined;
}

const status = async ({ target: { data }, run, executions, arn }: OnRun): Promise<Report> => {
  const summary = await createSummariser(data, run)();
  const isRunning = arn !== undefined && (await executions.isRunning(arn));
  return describe(run, summary, isRunning ? 'is running' : isOver(summary) ? 'is complete' : 'is stopped');
};

const cancel = async ({ target: { data }, run, executions, arn }: OnRun): Promise<Report> => {
  if (arn !== undefined && (await executions.isRunning(arn))) await executions.stop(arn);
  const summary = await createSummariser(data, run)();
  await writeManifest(data, run, summary);
  return describe(run, summary, isOver(summary) ? 'is complete' : 'is stopped');
};

const resume = async (request: OnRun): Promise<Report> => {
  const { target, run, executions, arn, detach } = request;
  if (arn !== undefined && (await executions.isRunning(arn)))
    return detach ? status(request) : follow(request, executions, run, arn);
  await target.repository.bundle(run.model, run.version); // otherwise each chunk would fail, again and again
  if (!(await readPlan(target.data, run.name)).isComplete)
    await planRun(target.data, run, await openSource(target.data, run));
  return execute(request, executions, run);
};

/** A run of its own over the failures of another one, which stays as it is. */
const retryFailed = ({ run, ...request }: OnRun): Promise<Report> => {
  const again = {
    ...run,
    name: `${run.name}-retry`,
    retryOf: run.name,
    created: new Date().toISOString(),
    maxFailures: 1,
  };
  return startRun({ ...request, run: again, dryRun: false, yes: true });
};

/** The actions on a run that exists. */
const ACTIONS = { status, cancel, resume, 'retry-failed': retryFailed } as const;

export type BulkAction = keyof typeof ACTIONS;
export const isBulkAction = (text: string): text is BulkAction => Object.hasOwn(ACTIONS, text);

/** @throws `NOT_FOUND` when there is no such run */
export const actOnRun = async (action: BulkAction, name: string, request: BulkRequest): Promise<Report> => {
  const { data } = request.target;
  const executions = openExecutions(request.target);
  try {
    const run = await readRun(data, name);
    return await ACTIONS[action]({ ...request, run, executions, arn: await readExecution(data, name) });
  } finally {
    executions.close();
  }
};
