import { ROLL_BACK, rollBack } from '../../src/repository/routing/rollout.ts';
import { defineCommand } from '../command.ts';
import { CHANGE_OPTIONS, changeModel, readHistory } from '../options/routing-change.ts';

export const rollback = defineCommand({
  summary: 'return to the previous stable version',
  description: `Makes the previously stable version stable again, and ends canary and shadow. A second rollback goes one further back.`,
  positionals: ['model'],
  options: CHANGE_OPTIONS,
  onInterruption: readHistory,
  run: ({ positionals: [name = ''], values, target, terminal }) =>
    changeModel({ values, target, terminal }, name, ROLL_BACK, rollBack()),
});
