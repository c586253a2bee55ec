import { readFile, writeFile } from 'node:fs/promises';
import { measureAudio } from './audio.ts';
import { measureCtc } from './ctc.ts';
import { measureFeatureExtraction } from './feature-extraction.ts';
import { measureObjectDetection } from './object-detection.ts';
import type { ParityRow } from './parity-row.ts';
import { measureRecommendation } from './recommendation.ts';
import { measureTabularClassification, measureTabularRegression } from './tabular.ts';
import { measureTextClassification } from './text-classification.ts';
import { measureTokenClassification } from './token-classification.ts';
import { measureTranslation } from './translation.ts';
import { measureWhisper } from './whisper.ts';

/** `node test/support/parity/write-page.ts` measures every task as its parity test does, and writes the tables of docs/tasks.md. */

const PAGE = 'docs/tasks.md';

const MEASURES: Readonly<Record<string, () => Promise<ParityRow[]>>> = {
  'automatic-speech-recognition with CTC': measureCtc,
  recordings: measureAudio,
  'feature-extraction': measureFeatureExtraction,
  'object-detection': measureObjectDetection,
  recommendation: measureRecommendation,
  'tabular-classification': measureTabularClassification,
  'tabular-regression': measureTabularRegression,
  'text-classification': measureTextClassification,
  'token-classification': measureTokenClassification,
  translation: measureTranslation,
  whisper: measureWhisper,
};

const toTable = (rows: readonly ParityRow[]): string =>
  [
    '| model | inputs | compared | worst | bar |',
    '|---|---:|---|---|---|',
    ...rows.map(
      ({ model, inputs, compared, worst, bar }) => `| ${model} | ${inputs} | ${compared} | ${worst} | ${bar} |`,
    ),
  ].join('\n');

let page = await readFile(PAGE, 'utf8');
for (const [task, measure] of Object.entries(MEASURES)) {
  const block = new RegExp(`(<!-- parity of ${task} -->)[\\s\\S]*?(<!-- end -->)`);
  if (!block.test(page)) throw new Error(`${PAGE} has no place for the parity of ${task}`);
  const table = toTable(await measure());
  page = page.replace(block, (_match, start: string, end: string) => `${start}\n${table}\n${end}`);
}
await writeFile(PAGE, page);
