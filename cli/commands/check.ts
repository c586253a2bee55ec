import { checkModel } from '../../src/authoring/check-model.ts';
import { ServingError } from '../../src/core/errors.ts';
import { defineCommand } from '../command.ts';
import { formatFields } from '../output/format.ts';
import { formatOutline } from '../output/format-outline.ts';

export const check = defineCommand({
  summary: 'tell why push would refuse a model',
  description: `Reads a model as push does, without its weights and without a trial run, and lists everything for which push would refuse it.
Exits with 1 when there is anything.`,
  positionals: ['file|folder'],
  options: {
    task: { type: 'string', value: '<task>', description: 'default: the task that the folder names' },
  },
  async run({ positionals: [path = ''], values, terminal }) {
    const checked = await checkModel(path, values.task, () => terminal.step('Converting the model')).finally(() =>
      terminal.step(''),
    );
    const { recognised, graphs, problems, notes, outline } = checked;
    if (problems.length > 0)
      throw new ServingError('MODEL_INVALID', `${path} would be refused: ${problems.join('; ')}`);
    const fields = formatFields({
      ...(recognised && { task: `${recognised.task} (${recognised.reason})` }),
      graphs: Object.values(graphs),
      note: notes,
    });
    return {
      json: checked,
      text: [
        `${path} can be pushed, as far as its files tell; the trial run of push has the last word`,
        fields,
        ...(outline ? [formatOutline(outline)] : []),
      ].join('\n'),
    };
  },
});
