import { ServingError } from '../core/errors.ts';
import { show } from '../core/show.ts';
import { judgeHours } from './drift/judge-hours.ts';
import { scoreDays } from './feedback/score-days.ts';
import { takeFeedbackFiles } from './feedback/take-uploads.ts';
import type { Monitor, MonitorJob } from './job.ts';
import { decideRollouts } from './rollouts/decide-rollouts.ts';
import { addUpSpending } from './spending/add-up-spending.ts';

/** All jobs of a tick. `serverless.yml` names the jobs of each schedule; a new job is added here and there. */
const JOBS: Readonly<Record<string, MonitorJob>> = {
  rollouts: decideRollouts,
  feedback: takeFeedbackFiles,
  drift: judgeHours,
  accuracy: scoreDays,
  spending: addUpSpending,
};

/** The jobs by their names. @throws `INVALID_REQUEST` for a name that is not known */
const findJobs = (names: readonly string[]): [string, MonitorJob][] =>
  names.map((name) => {
    const job = Object.hasOwn(JOBS, name) ? JOBS[name] : undefined;
    if (job) return [name, job];
    throw new ServingError(
      'INVALID_REQUEST',
      `job ${show(name)} is not known, expected ${Object.keys(JOBS).join(', ')}`,
    );
  });

/** Runs jobs one after another; one that fails hinders no other. @throws the first failure, at the end */
export const runJobs = async (monitor: Monitor, names: readonly string[]): Promise<void> => {
  const failures: ServingError[] = [];
  for (const [name, job] of findJobs(names))
    try {
      await job(monitor);
    } catch (cause) {
      const error = ServingError.from(cause);
      monitor.telemetry.warned(`the job ${name} failed`, error);
      failures.push(error);
    }
  if (failures[0]) throw failures[0];
};
