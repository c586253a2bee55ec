import { assertMergedDecoder } from '../../generation/decoder.ts';
import { assertTextGraph } from '../../media/text/collate.ts';
import { rowTask } from '../row-task.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { parseSearch, textToText } from '../text-to-text.ts';
import { PARAMETERS } from './parameters.ts';
import { type SummarizationSettings, settingsSchema } from './settings.ts';

/**
 * Texts → `[{summary_text}]`, as the Hugging Face inference API answers: a list, also for one text.
 * Graphs: those of a translation.
 */
export const summarization: TaskType<SummarizationSettings> = {
  settings: settingsSchema,
  create({ generation, maxLength, prefix }, version) {
    assertTextGraph(signatureOf(version, 'encoder'));
    assertMergedDecoder(signatureOf(version, 'decoder'));
    const config = parseSearch(generation, maxLength);
    return rowTask(
      textToText<undefined>({
        field: 'summary_text',
        parameters: PARAMETERS,
        positions: maxLength,
        blank: undefined,
        readWay: () => undefined,
        search: () => config,
        encode: (text, _way, _name, tokenizer, longest) => tokenizer.encode(prefix + text, { maxLength: longest }),
      }),
    );
  },
};
