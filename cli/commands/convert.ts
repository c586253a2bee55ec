import { convertModel } from '../../src/authoring/convert-model.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { defineCommand } from '../command.ts';
import { formatFields } from '../output/format.ts';
import { formatOutline } from '../output/format-outline.ts';

export const convert = defineCommand({
  summary: 'write a model of another library as ONNX',
  description: `Writes a model of scikit-learn, Keras, XGBoost or LightGBM as an ONNX file, with its settings in a config.json beside it. A config.json
that is there stays as it is. push converts by itself: convert is for other programs, and for a look at the graph.`,
  positionals: ['file|folder', 'out.onnx'],
  options: {
    force: { type: 'boolean', description: 'replace an .onnx file that is there' },
  },
  onInterruption: (typed) => `Interrupted. No file was made. Begin again with: ${typed}\n`,
  async run({ positionals: [path = '', output = ''], values, terminal }) {
    terminal.step('Converting the model');
    const converted = await convertModel(path, output, { force: values.force ?? false }).finally(() =>
      terminal.step(''),
    );
    const { origin, outline, bytes, written, kept, notes } = converted;
    const fields = formatFields({
      from: origin,
      settings: written,
      note: [...kept.map((name) => `${name} was there, and stays as it is`), ...notes],
    });
    return {
      json: { output, ...converted },
      text: [`Wrote ${output}, ${formatBytes(bytes)}`, fields, formatOutline(outline)].join('\n'),
    };
  },
});
