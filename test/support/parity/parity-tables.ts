import type { TaskName } from '../../../src/tasks/index.ts';
import { measureParity } from '../image-parity.ts';
import { audioRows, compareRecordings } from './audio.ts';
import { measureCtc } from './ctc.ts';
import { featureExtractionRows, measureModels as measureFeatures } from './feature-extraction.ts';
import { imageClassificationRows } from './image-classification.ts';
import { measureObjectDetection } from './object-detection.ts';
import type { ParityRow } from './parity-row.ts';
import { measureRecommendation } from './recommendation.ts';
import { measureSummarization } from './summarization.ts';
import { measureTabularClassification, measureTabularRegression } from './tabular.ts';
import { measureModels as measureTexts, textClassificationRows } from './text-classification.ts';
import { measureTextGeneration } from './text-generation.ts';
import { compareTokenClassification, tokenClassificationRows } from './token-classification.ts';
import { measureTranslation } from './translation.ts';
import { measureCases, measureSpectrograms, whisperRows } from './whisper.ts';

type Measure = () => Promise<ParityRow[]>;

/** The tables of each task's page by the names in their markers. The outputs of the tensor task are those of onnxruntime. */
export const PARITY_TABLES: Readonly<Record<Exclude<TaskName, 'tensor'>, Readonly<Record<string, Measure>>>> = {
  'automatic-speech-recognition': {
    'audio files': async () => audioRows(await compareRecordings()),
    Whisper: async () => whisperRows(await measureSpectrograms(), await measureCases()),
    'CTC models': measureCtc,
  },
  'feature-extraction': { 'feature-extraction': async () => featureExtractionRows(await measureFeatures()) },
  'image-classification': { 'image-classification': async () => imageClassificationRows(await measureParity()) },
  'object-detection': { 'object-detection': measureObjectDetection },
  recommendation: { recommendation: measureRecommendation },
  'tabular-classification': { 'tabular-classification': measureTabularClassification },
  'tabular-regression': { 'tabular-regression': measureTabularRegression },
  'text-classification': { 'text-classification': async () => textClassificationRows(await measureTexts()) },
  'token-classification': {
    'token-classification': async () => tokenClassificationRows(await compareTokenClassification()),
  },
  'text-generation': { 'text-generation': measureTextGeneration },
  summarization: { summarization: measureSummarization },
  translation: { translation: measureTranslation },
};
