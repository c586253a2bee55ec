import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import type { Monitor } from '../monitoring/job.ts';
import { runJobs } from '../monitoring/run-jobs.ts';
import { createModelRepository } from '../repository/model-repository.ts';
import { createS3Client, createS3Store } from '../repository/stores/s3-store.ts';
import { readConfig } from './configuration.ts';
import { createNotify } from './notification.ts';
import { createMonitorTelemetry } from './telemetry/monitor-telemetry.ts';

/** @throws `INVALID_REQUEST` for an event of another kind: a schedule that does nothing would be noticed by nobody */
const jobsOf = (event: unknown): string[] => {
  const jobs = isObject(event) ? event.jobs : undefined;
  if (Array.isArray(jobs) && jobs.length > 0 && jobs.every((job) => typeof job === 'string')) return jobs;
  throw new ServingError('INVALID_REQUEST', `the event is ${show(event)}, expected {"jobs": ["rollouts"]}`);
};

/** Runs the jobs that a schedule names: `{"jobs": ["rollouts"]}`. */
export const monitorHandler =
  (monitor: Monitor) =>
  async (event: unknown): Promise<void> =>
    runJobs(monitor, jobsOf(event));

/** Connects S3, the metrics and the topic of the alarms. */
export const connectMonitor = (): Monitor => {
  const { modelsBucket, dataBucket, models, alarmTopic, maxMonthlyDollars } = readConfig();
  const client = createS3Client();
  return {
    repository: createModelRepository(createS3Store(client, modelsBucket), { only: models }),
    data: createS3Store(client, dataBucket),
    nowMs: Date.now,
    maxMonthlyDollars,
    telemetry: createMonitorTelemetry(createNotify(alarmTopic)),
  };
};
