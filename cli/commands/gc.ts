import { whoami } from '../../src/authoring/whoami.ts';
import { deleteVersions, superfluousVersions } from '../../src/repository/versions/delete-versions.ts';
import { defineCommand } from '../command.ts';
import { assertConfirmed, CONFIRM_OPTIONS, finishDeletion } from '../options/confirmation.ts';
import { misuse } from '../options/misuse.ts';
import { parseModelName } from '../options/model-reference.ts';
import { CHANGE_OPTIONS } from '../options/routing-change.ts';
import { formatTable } from '../output/format.ts';

const parseKeep = (text: string | undefined): number => {
  if (/^\d{1,6}$/.test(text ?? '')) return Number(text);
  misuse(`--keep ${text ?? 'is missing'}, expected a number of versions`);
};

export const gc = defineCommand({
  summary: 'delete old versions',
  description: `Deletes all versions but the newest ones. A version that is stable, canary or shadow, or has an alias, stays in any case, and so does
the version to which a rollback would return.`,
  positionals: ['model?'],
  options: {
    all: { type: 'boolean', description: 'delete versions of every model' },
    keep: { type: 'string', value: '<count>', description: 'number of the newest versions that stay' },
    ...CHANGE_OPTIONS,
    ...CONFIRM_OPTIONS,
  },
  onInterruption: finishDeletion,
  async run({ positionals: [model], values, target, terminal }) {
    const keep = parseKeep(values.keep);
    if ((model === undefined) !== (values.all ?? false)) misuse('name either a model or --all');
    if (model !== undefined) parseModelName(model);
    const { repository } = await target();
    const models: { name: string; deleted: number[] }[] = [];
    for (const name of model === undefined ? await repository.names() : [model]) {
      const { routing } = await repository.routing(name);
      const deleted = await superfluousVersions(repository, name, routing, keep);
      if (deleted.length > 0) models.push({ name, deleted });
    }
    const dryRun = values['dry-run'] ?? false;
    const json = { models, dryRun };
    const { location } = repository.store;
    if (models.length === 0) return { json, text: `Nothing to delete in ${location}` };
    const table = formatTable(models.map(({ name, deleted }) => [`  ${name}`, deleted.join(', ')]));
    if (dryRun) return { json, text: `Would delete from ${location}:\n${table}` };
    const count = models.reduce((sum, { deleted }) => sum + deleted.length, 0);
    await assertConfirmed(terminal, values.yes, `Delete ${count} versions from ${location}:\n${table}\nGo on`);
    const reason = { by: whoami(), note: values.note ?? '' };
    for (const { name, deleted } of models) await deleteVersions(repository, name, deleted, reason);
    return { json, text: `Deleted from ${location}:\n${table}` };
  },
});
