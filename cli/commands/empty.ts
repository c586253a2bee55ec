import { ServingError } from '../../src/core/errors.ts';
import { defineCommand } from '../command.ts';
import { assertConfirmed, CONFIRM_OPTIONS, finishDeletion } from '../options/confirmation.ts';
import { type BucketCount, countBucket, emptyBucket } from '../targets/bucket.ts';

const describeCount = (name: string, { versions, unfinishedUploads }: BucketCount): string =>
  `s3://${name} (${versions} objects and versions, ${unfinishedUploads} unfinished uploads)`;

export const empty = defineCommand({
  summary: 'delete everything in the buckets, as sls remove needs it',
  description: `Deletes all models, uploads and results, with every earlier version, for good. CloudFormation deletes only empty buckets:
run this before npx sls remove.`,
  positionals: [],
  options: CONFIRM_OPTIONS,
  onInterruption: finishDeletion,
  async run({ values, target: findTarget, terminal }) {
    const { buckets, description } = await findTarget();
    if (buckets === undefined)
      throw new ServingError('INVALID_REQUEST', `the ${description} has no buckets; remove the directory itself`);
    const { client, names } = buckets;
    const counts = await Promise.all(names.map(async (name) => ({ name, ...(await countBucket(client, name)) })));
    const json = { buckets: counts };
    const filled = counts.filter(({ versions, unfinishedUploads }) => versions + unfinishedUploads > 0);
    if (filled.length === 0) return { json, text: `Nothing to delete: the buckets of ${description} are empty.` };

    const what = filled.map(({ name, ...count }) => describeCount(name, count)).join(' and ');
    await assertConfirmed(terminal, values.yes, `Delete all of ${what}, for good`);
    for (const { name } of filled) await emptyBucket(client, name);
    return { json, text: `Deleted all of ${what}.` };
  },
});
