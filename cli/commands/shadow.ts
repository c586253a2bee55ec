import { setShadow } from '../../src/repository/routing/rollout.ts';
import { defineCommand } from '../command.ts';
import { misuse } from '../options/misuse.ts';
import { parseVersionNumber } from '../options/model-reference.ts';
import { CHANGE_OPTIONS, changeModel, parseShare, readHistory } from '../options/routing-change.ts';

export const shadow = defineCommand({
  summary: 'compare a version with the one that answers',
  description: `Runs a version on a share of the requests after they were answered, and counts where its answers differ. Callers notice nothing.
--off ends it.`,
  positionals: ['model', 'version?'],
  options: {
    rate: { type: 'string', value: '<share>', description: 'such as 10% or 0.1' },
    off: { type: 'boolean', description: 'end it' },
    ...CHANGE_OPTIONS,
  },
  onInterruption: readHistory,
  async run({ positionals: [name = '', version], values, target, terminal }) {
    if ((version === undefined) !== (values.off ?? false)) misuse('name either a version, with --rate, or --off');
    const change =
      version === undefined
        ? setShadow(undefined)
        : setShadow({ version: parseVersionNumber(version), rate: parseShare('--rate', values.rate) });
    return changeModel({ values, target, terminal }, name, 'shadow', change);
  },
});
