import { expect, it } from '@jest/globals';
import { ZEROS } from '../../../../src/core/blank.ts';
import { NEVER } from '../../../../src/core/deadline.ts';
import type { Tensors } from '../../../../src/core/tensor.ts';
import { createTask } from '../../../../src/tasks/index.ts';
import { taskVersion } from '../../../support/task-version.ts';

it('gives a graph of variable size a blank image of the size that preprocessing makes', async () => {
  const signature = {
    inputs: [
      { name: 'pixel_values', dtype: 'float32' as const, shape: ['batch_size', 'num_channels', 'height', 'width'] },
    ],
    outputs: [{ name: 'logits', dtype: 'float32' as const, shape: ['batch_size', 2] }],
  };
  const preprocessing = { do_resize: true, size: { height: 6, width: 8 }, do_rescale: true, do_normalize: false };
  const settings = { labels: ['cat', 'dog'], functionToApply: 'softmax', preprocessing };
  const task = await createTask(taskVersion('image-classification', settings, signature));

  const feeds: Tensors[] = [];
  const run = async (given: Tensors): Promise<Tensors> => {
    feeds.push(given);
    return { logits: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(0, 1) } };
  };

  await task.predict(
    [task.blank(ZEROS)],
    { graphs: { model: { signature, run } }, resources: undefined, maxBatch: 1, deadline: NEVER },
    () => {},
  );

  const { pixel_values } = feeds[0] ?? {};
  expect(pixel_values).toMatchObject({ dtype: 'float32', shape: [1, 3, 6, 8] });
  expect([...(pixel_values?.data ?? [])]).toEqual(Array(3 * 6 * 8).fill(0));
});
