import { defineCommand } from '../command.ts';
import { parseModelName } from '../options/model-reference.ts';
import { describeChange } from '../options/routing-change.ts';
import { formatDate, formatTable } from '../output/format.ts';

export const history = defineCommand({
  summary: 'list the changes of the routing of a model',
  description: 'Lists the changes of the routing of a model with time, person and reason, the newest first.',
  positionals: ['model'],
  options: {},
  async run({ positionals: [text = ''], target }) {
    const name = parseModelName(text);
    const { repository } = await target();
    const changes = (await repository.routing(name)).routing.history.toReversed();
    const rows = changes.map((change) => [
      formatDate(change.at),
      change.by,
      change.action,
      describeChange(change),
      change.note,
    ]);
    return {
      json: { name, history: changes },
      text: formatTable([['WHEN (UTC)', 'WHO', 'ACTION', 'CHANGE', 'NOTE'], ...rows]),
    };
  },
});
