import { refuse } from '../../core/errors.ts';
import { BLACK_PIXEL } from '../../media/image/input.ts';
import { hasFile, type ModelSource, readSettingsFile } from '../../source/model-source.ts';
import { readLabels, type Settings } from '../../source/settings-file.ts';
import { readUltralyticsMetadata, type UltralyticsMetadata } from '../../source/ultralytics.ts';
import { answerOne } from '../answer-one.ts';
import { assertImagesFit, PREPROCESSING } from '../image-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import { refusedTask } from './other-heads.ts';
import type { ObjectDetectionSettings } from './settings.ts';

const CONFIG = 'config.json';

/** The preprocessing of Ultralytics for its own exports. */
const letterboxOf = ({ imageSize: [height, width] }: UltralyticsMetadata): Settings => ({
  image_processor_type: 'LetterBoxImageProcessor',
  size: { height, width },
});

const missing = ({ directory }: ModelSource, name: string, content: string): never =>
  refuse(
    'MODEL_INVALID',
    `${directory} has no ${name} (${content}), which detectors need unless Ultralytics wrote it into the ` +
      'graph; of another YOLO, write {"id2label": {"0": "cat"}} into config.json and {"image_processor_type": ' +
      '"LetterBoxImageProcessor", "size": {"height": 640, "width": 640}} into preprocessor_config.json',
  );

export const objectDetection: TaskRecipe<ObjectDetectionSettings> = {
  graphs: ['model'],
  example: '<image>',
  maxBatch: 1,

  async read(source) {
    const metadata = await readUltralyticsMetadata(source);
    if (metadata !== undefined && metadata.task !== 'detect')
      return refuse('MODEL_INVALID', refusedTask(metadata.task));
    const config = await readSettingsFile(source, CONFIG);
    const preprocessing = await readSettingsFile(source, PREPROCESSING);
    const labels = config?.id2label === undefined ? metadata?.labels : readLabels(config);
    const present = await Promise.all(
      [CONFIG, PREPROCESSING].map(async (path) => ((await hasFile(source, path)) ? [{ path }] : [])),
    );
    return {
      settings: {
        labels: [...(labels ?? missing(source, CONFIG, 'the labels, under "id2label"'))],
        preprocessing:
          preprocessing ??
          (metadata ? letterboxOf(metadata) : missing(source, PREPROCESSING, 'the way from images to tensors')),
      },
      files: present.flat(),
    };
  },

  /** A threshold of 0 brings every class to light that the graph may give. */
  async trialRun(task, model, { preprocessing }) {
    assertImagesFit(model, preprocessing);
    await answerOne(task, model, task.decode({ inputs: BLACK_PIXEL, parameters: { threshold: 0 } }));
  },
};
