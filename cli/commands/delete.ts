import { whoami } from '../../src/authoring/whoami.ts';
import { deleteModel, deleteVersions } from '../../src/repository/versions/delete-versions.ts';
import { defineCommand } from '../command.ts';
import { assertConfirmed, CONFIRM_OPTIONS, finishDeletion } from '../options/confirmation.ts';
import { misuse } from '../options/misuse.ts';
import { parseModelName, parseVersionNumber } from '../options/model-reference.ts';
import { CHANGE_OPTIONS } from '../options/routing-change.ts';

export const deleteCommand = defineCommand({
  summary: 'delete a model, or a version that is not routed',
  description: `Deletes a model with every version and its history. With a version, deletes that one alone; this is refused while the version is
stable, canary, shadow or has an alias. Numbers are not used again.`,
  positionals: ['model', 'version?'],
  options: { ...CHANGE_OPTIONS, ...CONFIRM_OPTIONS },
  onInterruption: finishDeletion,
  async run({ positionals: [text = '', versionText], values, target, terminal }) {
    const name = parseModelName(text);
    const version = versionText === undefined ? undefined : parseVersionNumber(versionText);
    if (version === undefined && values.note !== undefined)
      misuse('--note is for the history, which goes with the model: leave it out');
    const { repository } = await target();
    const reason = { by: whoami(), note: values.note ?? '' };
    const run = async (dryRun: boolean): Promise<readonly number[]> => {
      if (version === undefined) return deleteModel(repository, name, { dryRun });
      await deleteVersions(repository, name, [version], { ...reason, dryRun });
      return [version];
    };
    const deleted = await run(true); // refuses before it asks
    const all = deleted.length === 0 ? '' : ` with version ${deleted.join(', ')}`;
    const subject = version === undefined ? `model ${name}${all}` : `version ${version} of ${name}`;
    const what = `${subject} in ${repository.store.location}`;
    const dryRun = values['dry-run'] ?? false;
    const json = { name, deleted, dryRun };
    if (dryRun) return { json, text: `Would delete ${what}` };
    await assertConfirmed(terminal, values.yes, `Delete ${what}`);
    return { json: { ...json, deleted: await run(false) }, text: `Deleted ${what}` };
  },
});
