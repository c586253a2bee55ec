import { inspectModel } from '../../src/authoring/inspect-model.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { defineCommand } from '../command.ts';
import { formatFields } from '../output/format.ts';
import { formatDescription } from '../output/format-description.ts';
import { formatOutline } from '../output/format-outline.ts';

export const inspect = defineCommand({
  summary: 'show what is in a model file',
  description: `Shows the operators, inputs, outputs, weights and metadata of an ONNX file, without reading its weights; of a model of another
library, its parts and the settings that a push would make of them.`,
  positionals: ['file|folder'],
  options: {},
  async run({ positionals: [path = ''] }) {
    const inspected = await inspectModel(path);
    if ('graphs' in inspected) {
      const texts = inspected.graphs.map(({ path: file, bytes, missing, ...description }) => {
        const absent = missing.length > 0 ? `\n${formatFields({ missing })}` : '';
        return `${file} is an ONNX file of ${formatBytes(bytes)}\n${formatDescription(description)}${absent}`;
      });
      return { json: inspected, text: texts.join('\n') };
    }
    const { file, origin, outline, config, notes } = inspected;
    const settings = Object.entries(config).map(([name, value]) => `${name}: ${JSON.stringify(value)}`.slice(0, 160));
    const parts = [`${file} is a model of ${origin}`, formatOutline(outline), formatFields({ settings, note: notes })];
    return { json: inspected, text: parts.filter((part) => part !== '').join('\n') };
  },
});
