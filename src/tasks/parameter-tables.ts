import { CTC_PARAMETERS, WHISPER_PARAMETERS } from './automatic-speech-recognition/parameters.ts';
import { PARAMETERS as FEATURE_EXTRACTION } from './feature-extraction/parameters.ts';
import { PARAMETERS as IMAGE_CLASSIFICATION } from './image-classification/parameters.ts';
import type { TaskName } from './index.ts';
import { PARAMETERS as OBJECT_DETECTION } from './object-detection/parameters.ts';
import type { ParameterTable } from './parameters.ts';
import { PARAMETERS as RECOMMENDATION } from './recommendation/parameters.ts';
import { PARAMETERS as SUMMARIZATION } from './summarization/parameters.ts';
import { PARAMETERS as TABULAR_CLASSIFICATION } from './tabular-classification/parameters.ts';
import { PARAMETERS as TEXT_CLASSIFICATION } from './text-classification/parameters.ts';
import { PARAMETERS as TEXT_GENERATION } from './text-generation/parameter-table.ts';
import { PARAMETERS as TOKEN_CLASSIFICATION } from './token-classification/parameters.ts';
import { PARAMETERS as TRANSLATION } from './translation/parameters.ts';

type Settings = Readonly<Record<string, unknown>>;

/** The parameters of each task, by the settings of a model. Unlike `TASKS`, this list imports no code that needs a layer. */
const TABLES: Readonly<Record<TaskName, (settings: Settings) => ParameterTable>> = {
  tensor: () => ({}),
  'image-classification': () => IMAGE_CLASSIFICATION,
  'object-detection': () => OBJECT_DETECTION,
  recommendation: () => RECOMMENDATION,
  'automatic-speech-recognition': ({ kind }) => (kind === 'ctc' ? CTC_PARAMETERS : WHISPER_PARAMETERS),
  'tabular-classification': () => TABULAR_CLASSIFICATION,
  'tabular-regression': () => ({}),
  'token-classification': () => TOKEN_CLASSIFICATION,
  'text-classification': ({ terms }) => (terms === undefined ? TEXT_CLASSIFICATION : TABULAR_CLASSIFICATION),
  'feature-extraction': () => FEATURE_EXTRACTION,
  translation: () => TRANSLATION,
  summarization: () => SUMMARIZATION,
  'text-generation': () => TEXT_GENERATION,
};

const isBuiltIn = (task: string): task is TaskName => Object.hasOwn(TABLES, task);

/** The parameters of a model; undefined for the task of an extension, which checks its own. */
export const parametersOf = (task: string, settings: Settings): ParameterTable | undefined =>
  isBuiltIn(task) ? TABLES[task](settings) : undefined;
