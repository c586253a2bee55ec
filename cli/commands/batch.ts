import { whoami } from '../../src/authoring/whoami.ts';
import { FORMATS } from '../../src/jobs/bulk/bulk-run.ts';
import { defineCommand, type Options } from '../command.ts';
import { readBatchLimits } from '../options/batch-options.ts';
import { misuse } from '../options/misuse.ts';
import { parseReference, resolveVersion } from '../options/model-reference.ts';
import { actOnRun, isBulkAction, startRun } from '../targets/bulk.ts';

const OPTIONS = {
  to: {
    type: 'string',
    value: '<run>',
    description: 'the name of the run, whose folder is bulk/<run>/ in the data bucket',
  },
  chunk: { type: 'string', value: '<count>', description: 'elements that one child answers (default: 200)' },
  'max-concurrency': { type: 'string', value: '<count>', description: 'children at the same time (default: 100)' },
  'max-failures': {
    type: 'string',
    value: '<percent>',
    description: 'share of failures above which the run is stopped (default: 1%)',
  },
  format: { type: 'string', value: FORMATS.join('|'), description: 'the format of the results (default: jsonl.gz)' },
  join: {
    type: 'string',
    value: '<columns>',
    description: 'columns of a table that the results have, too, with commas between them',
  },
  'dry-run': { type: 'boolean', description: 'count, estimate time and dollars, and run nothing' },
  yes: { type: 'boolean', description: 'do not ask' },
  detach: { type: 'boolean', description: 'do not wait for the end' },
} as const satisfies Options;

/** A run keeps what it was begun with. @throws `INVALID_REQUEST` */
const assertUnchanged = (action: string, values: Partial<Record<keyof typeof OPTIONS, unknown>>): void => {
  const given = (['to', 'chunk', 'max-concurrency', 'format', 'join', 'dry-run'] as const).find(
    (name) => values[name] !== undefined,
  );
  if (given !== undefined) misuse(`batch ${action} takes no --${given}: a run keeps what it was begun with`);
};

export const batch = defineCommand({
  summary: 'answer millions of objects or rows with a model',
  description: `Answers every object below a prefix of uploads/, of a .txt file of keys, or every row of a .jsonl or .csv file: batch <model> <source>
--to <run>. Afterwards: batch status|resume|cancel|retry-failed <run>.`,
  positionals: ['action or model', 'source or run'],
  options: OPTIONS,
  onInterruption: () =>
    'Interrupted. The run goes on, or can: npx onnx-serverless batch status <run>, batch resume <run>\n',
  async run({ positionals: [first = '', second = ''], values, target: findTarget, terminal }) {
    if (isBulkAction(first)) assertUnchanged(first, values);
    const target = await findTarget();
    const limits = readBatchLimits(values);
    const maxFailures = values['max-failures'] === undefined ? undefined : limits.maxFailures;
    const request = { target, terminal, detach: values.detach ?? false, maxFailures };
    if (isBulkAction(first)) return actOnRun(first, second, request);
    if (values.to === undefined) misuse('the run needs a name: --to <run>; its results lie below bulk/<run>/');
    const reference = parseReference(first);
    const version = await resolveVersion(target.repository, reference);
    const named = { name: values.to, model: reference.name, version, source: second };
    const run = { ...named, ...limits, by: whoami(), created: new Date().toISOString() };
    return startRun({ ...request, run, dryRun: values['dry-run'] ?? false, yes: values.yes ?? false });
  },
});
