import { setAlias } from '../../src/repository/routing/rollout.ts';
import { defineCommand } from '../command.ts';
import { fromWords, misuse } from '../options/misuse.ts';
import { parseVersionNumber } from '../options/model-reference.ts';
import { CHANGE_OPTIONS, changeModel, readHistory } from '../options/routing-change.ts';

export const alias = defineCommand({
  summary: 'give a version a name',
  description: `Names a version, or moves the name to another one: POST /models/<model>/aliases/<alias>, and <model>@<alias> in these commands.`,
  positionals: ['model', 'alias', 'version?'],
  options: {
    remove: { type: 'boolean', description: 'take the name away' },
    ...CHANGE_OPTIONS,
  },
  onInterruption: readHistory,
  async run({ positionals: [name = '', aliasName = '', version], values, target, terminal }) {
    if ((version === undefined) !== (values.remove ?? false)) misuse('name either a version or --remove');
    const number = version === undefined ? undefined : parseVersionNumber(version);
    const change = fromWords(() => setAlias(aliasName, number));
    return changeModel({ values, target, terminal }, name, 'alias', change);
  },
});
