import { whoami } from '../../src/authoring/whoami.ts';
import { parseVersion } from '../../src/repository/keys.ts';
import { deleteVersions } from '../../src/repository/versions/delete-versions.ts';
import { defineCommand } from '../command.ts';
import { assertConfirmed, CONFIRM_OPTIONS, finishDeletion } from '../options/confirmation.ts';
import { CHANGE_OPTIONS } from '../options/routing-change.ts';

export const deleteCommand = defineCommand({
  summary: 'delete a version that is not routed',
  description: `Deletes a version. It is refused while the version is stable, canary, shadow or has an alias. Its number is not used again.`,
  positionals: ['model', 'version'],
  options: { ...CHANGE_OPTIONS, ...CONFIRM_OPTIONS },
  onInterruption: finishDeletion,
  async run({ positionals: [name = '', versionText = ''], values, target, terminal }) {
    const version = parseVersion(versionText);
    const { repository } = await target();
    const reason = { by: whoami(), note: values.note ?? '' };
    await deleteVersions(repository, name, [version], { ...reason, dryRun: true }); // refuses before it asks
    const what = `version ${version} of ${name} in ${repository.store.location}`;
    const dryRun = values['dry-run'] ?? false;
    const json = { name, deleted: [version], dryRun };
    if (dryRun) return { json, text: `Would delete ${what}` };
    await assertConfirmed(terminal, values.yes, `Delete ${what}`);
    await deleteVersions(repository, name, [version], reason);
    return { json, text: `Deleted ${what}` };
  },
});
