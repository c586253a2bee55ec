import { peakMemory } from '../../authoring/process-memory.ts';
import { ServingError } from '../../core/errors.ts';
import { loadRuntime } from '../../engine/session.ts';
import { answerOne } from '../../tasks/answer-one.ts';
import { createTask } from '../../tasks/index.ts';
import { answerSample } from './answer-sample.ts';
import type { Jobs, Results } from './jobs.ts';
import { openVersion } from './local-version.ts';

/** Requests that are measured: a 95th percentile needs some, and long models few. */
const [LEAST_REQUESTS, MOST_REQUESTS, TIMING_MS] = [20, 2000, 3000];

interface CpuTime {
  readonly allMs: number;
  readonly mainMs: number;
}

const milliseconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

/** The CPU time that `work` takes: other processes do not change it, as they do a time by the clock. */
const timeCpu = async (work: () => Promise<unknown>): Promise<CpuTime> => {
  const [all, main] = [process.cpuUsage(), process.threadCpuUsage()];
  await work();
  return { allMs: milliseconds(process.cpuUsage(all)), mainMs: milliseconds(process.threadCpuUsage(main)) };
};

/**
 * Measures a version on a number of threads.
 * @throws the reason of the first sample, when the version answers none
 */
export const profileVersion = async ({ version, samples, threads }: Jobs['profile']): Promise<Results['profile']> => {
  loadRuntime(); // counts for the start of the process, as the code of the task does
  await createTask(version.bundle);
  const baseBytes = peakMemory();
  const started = process.cpuUsage();
  const opened = await openVersion(version, undefined, threads);
  const createMs = milliseconds(process.cpuUsage(started));
  const { task, model } = opened;
  const requests =
    samples.length > 0
      ? samples.map((sample) => () => answerSample(opened, sample))
      : [() => answerOne(task, model, task.blank(version.bundle.warmup))];
  const answered: (() => Promise<unknown>)[] = [];
  const refused: ServingError[] = [];
  let firstMs = 0;
  for (const request of requests) {
    const { allMs } = await timeCpu(() =>
      request().then(
        () => answered.push(request),
        (error: unknown) => refused.push(ServingError.from(error)),
      ),
    );
    if (answered.length === 1 && firstMs === 0) firstMs = allMs;
  }
  const [problem] = refused;
  if (problem && answered.length === 0) {
    const place =
      samples[0] === undefined
        ? ''
        : `no sample is one that the task ${version.bundle.task} answers; ${samples[0].name}: `;
    throw new ServingError(problem.code, place + problem.message);
  }
  const times: CpuTime[] = [];
  const startMs = performance.now();
  const isOver = (): boolean =>
    times.length >= MOST_REQUESTS || (times.length >= LEAST_REQUESTS && performance.now() - startMs > TIMING_MS);
  while (!isOver()) for (const request of answered) if (!isOver()) times.push(await timeCpu(request));
  const [cpuMs, mainMs] = [times.map(({ allMs }) => allMs), times.map((time) => time.mainMs)];
  return { cpuMs, mainMs, createMs, firstMs, baseBytes, peakBytes: peakMemory() };
};
