import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, jsonValueOf } from '../../src/core/answer.ts';
import { NEVER } from '../../src/core/deadline.ts';
import { createSession, type Session } from '../../src/engine/session.ts';
import { createTask } from '../../src/tasks/index.ts';
import type { LabelScore } from '../../src/tasks/scores.ts';
import type { Task } from '../../src/tasks/task.ts';
import { readJson } from '../support/image-parity.ts';
import { taskVersion } from '../support/task-version.ts';

const MODEL = path.join(import.meta.dirname, '../../models/efficientnet-lite0');

/** `golden.json` is what the PyTorch model answers in float32, after Pillow's preprocessing. */
const { samples } = (await readJson(path.join(MODEL, 'golden.json'))) as { samples: Record<string, LabelScore[]> };

describe('the sample model', () => {
  let session: Session;
  let task: Task;

  beforeAll(async () => {
    const { id2label } = (await readJson(path.join(MODEL, 'config.json'))) as { id2label: Record<string, string> };
    const preprocessing = await readJson(path.join(MODEL, 'preprocessor_config.json'));
    session = await createSession(path.join(MODEL, 'onnx/model.onnx'), 1_769);
    const settings = { labels: Object.values(id2label), functionToApply: 'softmax', preprocessing };
    task = await createTask(taskVersion('image-classification', settings, session.signature));
  });

  afterAll(() => session.release());

  it.each(Object.entries(samples))('answers for %s as it does in PyTorch', async (photo, expected) => {
    const inputs = await readFile(path.join(MODEL, 'samples', photo));

    const model = { graphs: { model: session }, resources: undefined, maxBatch: 1, deadline: NEVER };
    const request = task.decode({ inputs, contentType: 'image/jpeg', parameters: {} });
    const [outcome] = await task.predict([request], model, () => undefined);

    const answer = jsonValueOf((outcome as PromiseFulfilledResult<Answer>).value) as LabelScore[];
    expect(answer).toHaveLength(5);
    for (const { label, score } of expected.filter((one) => one.score > 0.05))
      expect(Math.abs((answer.find((one) => one.label === label)?.score ?? 0) - score)).toBeLessThanOrEqual(0.03);
  });
});
