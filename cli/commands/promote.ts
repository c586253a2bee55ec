import { promote as promoteTo } from '../../src/repository/routing/rollout.ts';
import { defineCommand } from '../command.ts';
import { parseVersionNumber } from '../options/model-reference.ts';
import { CHANGE_OPTIONS, changeModel, readHistory } from '../options/routing-change.ts';

export const promote = defineCommand({
  summary: 'let a version answer',
  description: `Makes a version the stable one, which answers requests that name none. Functions follow within
the stage parameter routingTtl, usually 30 s, without a deployment; rollback returns to the version before.`,
  positionals: ['model', 'version'],
  options: CHANGE_OPTIONS,
  onInterruption: readHistory,
  run: ({ positionals: [name = '', version = ''], values, target, terminal }) =>
    changeModel({ values, target, terminal }, name, 'promote', promoteTo(parseVersionNumber(version))),
});
