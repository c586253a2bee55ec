import { access } from 'node:fs/promises';
import { refuse, ServingError } from '../core/errors.ts';
import type { Judge, ModelLabels } from './judges/judge.ts';
import type { Sample, Samples } from './samples/sample.ts';
import { LABEL_FIELDS } from './samples/to-sample.ts';

/** @throws `NOT_FOUND` naming the sample */
const assertFile = async ({ input, place }: Sample): Promise<void> => {
  if (!('file' in input)) return;
  await access(input.file).catch((error) => {
    throw new ServingError('NOT_FOUND', `${place}: there is no file ${input.file}`, { cause: error });
  });
};

/** Looks at all samples before a model runs. Returns their number, and whether they have labels. */
export const checkSamples = async (
  samples: Samples,
  judge: Judge,
  model: ModelLabels,
): Promise<{ readonly count: number; readonly isLabelled: boolean }> => {
  let [count, labelled] = [0, 0];
  let unlabelled: Sample | undefined;
  for await (const sample of samples.read()) {
    await assertFile(sample);
    count += 1;
    if (sample.label === undefined) unlabelled ??= sample;
    else {
      labelled += 1;
      judge.checkLabel(sample.label, model, sample.place);
    }
    if (unlabelled && labelled > 0)
      refuse(
        'INVALID_INPUT',
        `${unlabelled.place} has no label, and other samples have one: label all of them or none`,
      );
  }
  return { count, isLabelled: labelled > 0 };
};

/** @throws `INVALID_INPUT` naming the fields that the samples have instead of a label */
export const refuseUnlabelled = async (samples: Samples): Promise<never> => {
  for await (const { fields } of samples.read()) {
    const found = fields.length > 0 ? `; the first one has the fields ${fields.join(', ')}: name one with --label` : '';
    return refuse(
      'INVALID_INPUT',
      `the samples have no labels: expected the field ${LABEL_FIELDS.join(', ')}, or folders that are named by labels${found}`,
    );
  }
  return refuse('INVALID_INPUT', 'there are no samples');
};
