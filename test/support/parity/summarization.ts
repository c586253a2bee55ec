import { join } from 'node:path';
import { FIXTURES, readJson } from '../image-parity.ts';
import { createTestServing, findNamed } from '../serving.ts';
import { pushModel } from '../tried-models.ts';
import type { ParityRow } from './parity-row.ts';

interface Model {
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  readonly inputs: readonly {
    readonly text: string;
    /** An answer for each of `parameters`. */
    readonly cases: readonly { readonly text: string; readonly margin: number }[];
  }[];
}

interface Reference {
  readonly models: Readonly<Record<string, Model>>;
}

/** From this margin on, in log probabilities, the reference is sure of a token: far more than processors differ. */
const SURE = 1e-4;

/** Made by test/reference/summarization.py with the pipeline of transformers. All texts are sent together. */
export const measureSummarization = async (): Promise<ParityRow[]> => {
  const { models } = (await readJson(join(FIXTURES, 'reference/summarization.json'))) as Reference;
  const serving = await createTestServing();
  const rows: ParityRow[] = [];
  for (const [model, { parameters, inputs }] of Object.entries(models)) {
    await pushModel(serving.repository, findNamed(model), { name: model, task: 'summarization', promote: true });
    for (const [index, asked] of parameters.entries()) {
      const response = await serving.fetch(`/models/${model}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: inputs.map(({ text }) => text), parameters: asked }),
      });
      if (!response.ok) throw new Error(`${model}: ${await response.text()}`);
      const answer = (await response.json()) as { summary_text: string }[];
      const sure = inputs.flatMap(({ cases }, row) => {
        const { text = '', margin = 0 } = cases[index] ?? {};
        return margin > SURE ? [{ text, answered: answer[row]?.summary_text }] : [];
      });
      const wrong = sure.filter(({ text, answered }) => answered !== text).length;
      const part = sure.length < inputs.length ? `, of ${sure.length} that the reference is sure of` : '';
      const compared = `text over HTTP, ${Object.keys(asked).join(', ') || 'settings as shipped'}${part}`;
      const worst = wrong === 0 ? 'identical' : `${wrong} differ`;
      rows.push({ model, inputs: inputs.length, compared, worst, bar: 'identical' });
    }
  }
  await serving.remove();
  return rows;
};
