import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand, type Options, type Report, type Values } from '../command.ts';
import { misuse } from '../options/misuse.ts';
import { formatDate, formatTable } from '../output/format.ts';
import { formatResult } from '../output/format-result.ts';
import type { Terminal } from '../output/terminal.ts';
import { cancelJob, failureOf, listJobs, type RemoteJob, readJob } from '../targets/jobs.ts';
import type { Target } from '../targets/target.ts';

const POLL_MS = 1_000;
const DEFAULT_LIMIT = '20';

const OPTIONS = {
  limit: {
    type: 'string',
    value: '<count>',
    description: `jobs that list shows at most, up to 100 (default: ${DEFAULT_LIMIT})`,
  },
} as const satisfies Options;

interface Request {
  readonly target: Target;
  /** The id of a job. */
  readonly subject: string;
  readonly values: Values<typeof OPTIONS>;
  readonly terminal: Terminal;
}

const formatProgress = ({ progress }: RemoteJob): string =>
  progress === undefined ? '' : `${progress.done} of ${progress.total}`;

const list = async ({ target, values }: Request): Promise<Report> => {
  const jobs = await listJobs(target, values.limit ?? DEFAULT_LIMIT);
  const rows = jobs.map((job) => [
    ...[job.id, job.status, `${job.model} version ${job.version}`],
    ...[formatDate(job.created), formatProgress(job)],
  ]);
  return { json: { jobs }, text: formatTable([['JOB', 'STATUS', 'MODEL', 'CREATED (UTC)', 'ANSWERED'], ...rows]) };
};

const describe = (job: RemoteJob): Report => ({ json: job, text: JSON.stringify(job, undefined, 2) });

const show = async ({ target, subject }: Request): Promise<Report> => describe(await readJob(target, subject));

const cancel = async ({ target, subject }: Request): Promise<Report> => {
  const job = await cancelJob(target, subject);
  return { json: job, text: `Job ${job.id} is cancelled` };
};

const wait = async ({ target, subject, terminal }: Request): Promise<Report> => {
  const onProgress = terminal.progress('Answering', (total) => `${total} ${total === 1 ? 'input' : 'inputs'}`);
  for (;;) {
    const job = await readJob(target, subject);
    const isOver = !['queued', 'running'].includes(job.status);
    if (job.progress) onProgress(isOver ? job.progress.total : job.progress.done, job.progress.total);
    const failure = failureOf(job);
    if (failure) throw failure;
    if (isOver) {
      terminal.note(`${job.model} version ${job.version}`);
      return { json: job, text: job.resultUrl ?? formatResult(JSON.stringify(job.result)) };
    }
    await sleep(POLL_MS);
  }
};

/** Each action, and whether it takes the id of a job. */
const ACTIONS = {
  list: { run: list, takesJob: false },
  show: { run: show, takesJob: true },
  wait: { run: wait, takesJob: true },
  cancel: { run: cancel, takesJob: true },
} as const;

const isAction = (text: string): text is keyof typeof ACTIONS => Object.hasOwn(ACTIONS, text);

export const jobs = defineCommand({
  summary: 'list, show, wait for or cancel jobs',
  description: `Looks after jobs, which predict --async makes: list, show <job>, wait <job>, cancel <job>. wait ends with the answer of the job. A job of
another caller is not found.`,
  positionals: ['action', 'job?'],
  options: OPTIONS,
  onInterruption: () => 'Interrupted. The job goes on: npx onnx-serverless jobs list shows it\n',
  async run({ positionals: [action = '', subject], values, target, terminal }) {
    if (!isAction(action)) misuse(`jobs ${action}, expected ${Object.keys(ACTIONS).join(', ')}`);
    const { run, takesJob } = ACTIONS[action];
    if ((subject !== undefined) !== takesJob)
      misuse(`jobs ${action} takes ${takesJob ? 'the id of a job' : 'nothing'} behind it`);
    return run({ target: await target(), subject: subject ?? '', values, terminal });
  },
});
