import { ServingError } from '../../src/core/errors.ts';
import { readFigures } from '../../src/monitoring/figures/read-figures.ts';
import { readRollout } from '../../src/monitoring/rollouts/read-rollout.ts';
import { defineCommand } from '../command.ts';
import { parseDuration } from '../options/duration.ts';
import { formatModelFigures, modelFiguresJson } from '../output/format-figures.ts';

const DEFAULT_TIME = '24h';
/** Figures are kept as long as other data: the parameter `dataRetentionDays`. */
const LONGEST_MS = 90 * 86_400_000;
const WATCH_MS = 5_000;

export const monitor = defineCommand({
  summary: 'show requests, errors, latency, memory and cost of a model',
  description: `Shows the figures of each version of a model that has answered: requests, failures, percentiles of the latency, processor time, cold starts,
memory and cost, and the state of its automatic canary. Functions write their figures once a minute.`,
  positionals: ['model'],
  options: {
    last: {
      type: 'string',
      value: '<time>',
      description: `whole hours that this time touches, ${DEFAULT_TIME} by default`,
    },
    watch: { type: 'boolean', description: 'look again every 5 s, until Ctrl-C' },
  },
  async run({ positionals: [name = ''], values, target }) {
    const time = values.last ?? DEFAULT_TIME;
    const lastMs = parseDuration('--last', time);
    if (lastMs > LONGEST_MS) throw new ServingError('INVALID_REQUEST', `--last is ${time}, expected 90d at most`);
    const { repository, data, buckets, description } = await target();
    if (buckets === undefined)
      throw new ServingError(
        'INVALID_REQUEST',
        `${description} has no figures: act on npm start, or on a stage with --stage`,
      );
    const { routing } = await repository.routing(name);
    const nowMs = Date.now();
    const figures = await readFigures(data, name, nowMs - lastMs, nowMs);
    const rollout = await readRollout(data, name, routing, nowMs);
    return {
      json: { name, last: time, ...modelFiguresJson(figures), ...(rollout && { rollout }) },
      text: formatModelFigures(name, time, figures, routing, rollout),
      ...(values.watch && { againMs: WATCH_MS }),
    };
  },
});
