import { ServingError } from '../../src/core/errors.ts';
import { parseVersion } from '../../src/repository/keys.ts';
import { setCanary } from '../../src/repository/routing/rollout.ts';
import { defineCommand } from '../command.ts';
import { CHANGE_OPTIONS, changeModel, parseShare, readHistory } from '../options/routing-change.ts';

export const canary = defineCommand({
  summary: 'let a version answer a share of the requests',
  description: `A version answers a share of what the stable one would. Requests with the same x-routing-key get the same version. promote makes it
the stable one; --off ends it.`,
  positionals: ['model', 'version?'],
  options: {
    weight: { type: 'string', value: '<share>', description: 'such as 10% or 0.1' },
    off: { type: 'boolean', description: 'end it: the stable version answers everything' },
    ...CHANGE_OPTIONS,
  },
  onInterruption: readHistory,
  async run({ positionals: [name = '', version], values, target, terminal }) {
    if ((version === undefined) !== (values.off ?? false))
      throw new ServingError('INVALID_REQUEST', 'name either a version, with --weight, or --off');
    const change =
      version === undefined
        ? setCanary(undefined)
        : setCanary({ version: parseVersion(version), weight: parseShare('--weight', values.weight) });
    return changeModel({ values, target, terminal }, name, 'canary', change);
  },
});
