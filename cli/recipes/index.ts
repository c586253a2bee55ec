import type { TaskName } from '../../src/serving/tasks.ts';
import { automaticSpeechRecognition } from './automatic-speech-recognition.ts';
import { featureExtraction } from './feature-extraction.ts';
import { imageClassification } from './image-classification.ts';
import { objectDetection } from './object-detection.ts';
import type { TaskRecipe } from './recipe.ts';
import { recommendation } from './recommendation.ts';
import { tabularClassification, tabularRegression } from './tabular.ts';
import { tensor } from './tensor.ts';
import { textClassification } from './text-classification.ts';
import { tokenClassification } from './token-classification.ts';
import { translation } from './translation.ts';

/** `Record` makes the compiler ask for the recipe of every new task. */
export const RECIPES: Record<TaskName, TaskRecipe> = {
  tensor,
  'image-classification': imageClassification,
  'object-detection': objectDetection,
  recommendation,
  'automatic-speech-recognition': automaticSpeechRecognition,
  translation,
  'tabular-classification': tabularClassification,
  'tabular-regression': tabularRegression,
  'token-classification': tokenClassification,
  'text-classification': textClassification,
  'feature-extraction': featureExtraction,
};
