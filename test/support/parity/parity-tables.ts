import type { TaskName } from '../../../src/tasks/index.ts';
import { measureAudio } from './audio.ts';
import { measureCtc } from './ctc.ts';
import { measureFeatureExtraction } from './feature-extraction.ts';
import { measureImageClassification } from './image-classification.ts';
import { measureObjectDetection } from './object-detection.ts';
import type { ParityRow } from './parity-row.ts';
import { measureRecommendation } from './recommendation.ts';
import { measureTabularClassification, measureTabularRegression } from './tabular.ts';
import { measureTextClassification } from './text-classification.ts';
import { measureTextGeneration } from './text-generation.ts';
import { measureTokenClassification } from './token-classification.ts';
import { measureTranslation } from './translation.ts';
import { measureWhisper } from './whisper.ts';

type Measure = () => Promise<ParityRow[]>;

/** The tables of each task's page by the names in their markers. The outputs of the tensor task are those of onnxruntime. */
export const PARITY_TABLES: Readonly<Record<Exclude<TaskName, 'tensor'>, Readonly<Record<string, Measure>>>> = {
  'automatic-speech-recognition': { 'audio files': measureAudio, Whisper: measureWhisper, 'CTC models': measureCtc },
  'feature-extraction': { 'feature-extraction': measureFeatureExtraction },
  'image-classification': { 'image-classification': measureImageClassification },
  'object-detection': { 'object-detection': measureObjectDetection },
  recommendation: { recommendation: measureRecommendation },
  'tabular-classification': { 'tabular-classification': measureTabularClassification },
  'tabular-regression': { 'tabular-regression': measureTabularRegression },
  'text-classification': { 'text-classification': measureTextClassification },
  'text-generation': { 'text-generation': measureTextGeneration },
  'token-classification': { 'token-classification': measureTokenClassification },
  translation: { translation: measureTranslation },
};

/** A table with its markers: start, rows, end. */
export const parityBlock = (name: string): RegExp =>
  new RegExp(`(<!-- parity of ${name} -->\\n)([\\s\\S]*?)(<!-- end -->)`);

export const toParityTable = (rows: readonly ParityRow[]): string =>
  [
    '| model | inputs | compared | worst | bar |',
    '|---|---:|---|---|---|',
    ...rows.map(
      ({ model, inputs, compared, worst, bar }) => `| ${model} | ${inputs} | ${compared} | ${worst} | ${bar} |`,
    ),
    '',
  ].join('\n');
