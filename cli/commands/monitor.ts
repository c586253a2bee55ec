import { ServingError } from '../../src/core/errors.ts';
import { writeNamedFile } from '../../src/core/write-failure.ts';
import { judgeNow } from '../../src/monitoring/drift/judge-now.ts';
import { scoreRecentDays } from '../../src/monitoring/feedback/score-days.ts';
import { readFigures } from '../../src/monitoring/figures/read-figures.ts';
import { readMonitoredModel } from '../../src/monitoring/page/read-model.ts';
import { renderPage } from '../../src/monitoring/page/render-page.ts';
import { readRollout } from '../../src/monitoring/rollouts/read-rollout.ts';
import { defineCommand } from '../command.ts';
import { changeBaseline } from '../options/baseline.ts';
import { CAPTURE_OPTIONS, changeCapture, parseCaptureChange } from '../options/capture-settings.ts';
import { parseDuration } from '../options/duration.ts';
import { misuse } from '../options/misuse.ts';
import { parseModelName } from '../options/model-reference.ts';
import { driftJson, formatAccuracy, formatDrift } from '../output/format-drift.ts';
import { formatModelFigures, modelFiguresJson } from '../output/format-figures.ts';

const DEFAULT_TIME = '24h';
/** Figures are kept as long as other data: the parameter `dataRetentionDays`. */
const LONGEST_MS = 90 * 86_400_000;
const WATCH_MS = 5_000;

export const monitor = defineCommand({
  summary: 'watch a model: requests, latency, memory, cost, and what goes in and out',
  description: `Shows the figures of each version of a model that has answered: requests, failures, percentiles of the latency, processor time, cold starts,
memory and cost, and the state of its automatic canary. Functions write their figures once a minute. Captured answers are compared with
the baseline and with feedback. --capture, --inputs and --redact change what is captured, without a deployment.`,
  positionals: ['model'],
  options: {
    last: {
      type: 'string',
      value: '<time>',
      description: `whole hours that this time touches, ${DEFAULT_TIME} by default`,
    },
    watch: { type: 'boolean', description: 'look again every 5 s, until Ctrl-C' },
    ...CAPTURE_OPTIONS,
    html: { type: 'string', value: '<file>', description: 'write a page of charts' },
    baseline: {
      type: 'string',
      value: '<file|7d>',
      description: 'make the baseline of the stable version: of samples that it answers, or of its captures',
    },
  },
  async run({ positionals: [text = ''], values, target, terminal }) {
    const name = parseModelName(text);
    const change = parseCaptureChange(values);
    if ([change, values.baseline, values.html].filter((asked) => asked !== undefined).length > 1)
      misuse('capture settings, --baseline and --html are three commands: ask for one');
    if (change !== undefined) return changeCapture(await target(), name, change);
    if (values.baseline !== undefined) return changeBaseline(await target(), name, values.baseline, terminal);
    const time = values.last ?? DEFAULT_TIME;
    const lastMs = parseDuration('--last', time);
    if (lastMs > LONGEST_MS) misuse(`--last is ${time}, expected 90d at most`);
    const { repository, data, buckets, description } = await target();
    if (buckets === undefined)
      throw new ServingError(
        'INVALID_REQUEST',
        `${description} has no figures: act on npm start, or on a stage with --stage`,
      );
    const nowMs = Date.now();
    if (values.html !== undefined) {
      const model = await readMonitoredModel({ repository, data }, name, nowMs);
      await writeNamedFile(values.html, renderPage([model], nowMs));
      return { text: `Wrote ${values.html}`, json: { name, html: values.html } };
    }
    const { routing } = await repository.routing(name);
    const figures = await readFigures(data, name, nowMs - lastMs, nowMs);
    const state = await readRollout({ repository, data, nowMs, onBroken: () => {} }, name, routing);
    const rollout = state && { ...state.decision, counts: state.counts };
    const drift = await judgeNow({ repository, data, nowMs }, name, routing.stable);
    const accuracy = await scoreRecentDays(data, name, nowMs);
    const parts = [
      formatModelFigures(name, time, figures, routing, rollout),
      formatDrift(drift),
      formatAccuracy(accuracy),
    ];
    return {
      json: {
        name,
        last: time,
        ...modelFiguresJson(figures),
        ...(rollout && { rollout }),
        drift: driftJson(drift),
        accuracy,
      },
      text: parts.filter((part) => part !== '').join('\n\n'),
      ...(values.watch && { againMs: WATCH_MS }),
    };
  },
});
