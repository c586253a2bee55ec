import { readCaptureSettings } from '../../src/capture/capture-settings.ts';
import { dayOf } from '../../src/capture/prediction-id.ts';
import { listCaptures, readCaptures } from '../../src/capture/read-captures.ts';
import { defineCommand } from '../command.ts';
import { CAPTURE_OPTIONS, changeCapture, describeCapture, parseCaptureChange } from '../options/capture-settings.ts';

export const monitor = defineCommand({
  summary: 'watch a model: what goes in, what comes out',
  description: `Changes what is captured of a model's predictions, without a deployment, and shows what was captured today. Captures lie in the data
bucket below captures/, are off by default, and are deleted after captureRetentionDays.`,
  positionals: ['model'],
  options: CAPTURE_OPTIONS,
  async run({ positionals: [name = ''], values, target, terminal }) {
    const { repository, data, buckets } = await target();
    const change = parseCaptureChange(values);
    await repository.routing(name);
    const settings = change
      ? await changeCapture(repository, name, change)
      : (await readCaptureSettings(repository.store, name))?.settings;
    if (change && buckets)
      terminal.note('Functions follow within their routing time to live: 30 s, unless routingTtl is another');
    const { records, objects, damaged } = await readCaptures(data, await listCaptures(data, name, dayOf(Date.now())));
    const broken = damaged.map(({ key, problem }) => `\n${key} is damaged, and left out: ${problem}`).join('');
    return {
      text: `${name} ${describeCapture(settings)}\n${records.length} records today, in ${objects} objects${broken}`,
      json: { name, capture: settings ?? { share: 0 }, today: { records: records.length, objects, damaged } },
    };
  },
});
