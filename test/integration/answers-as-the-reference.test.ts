import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BLACK_PIXEL } from '../../src/media/image/input.ts';
import { createTestServing, findNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

let serving: TestServing;
beforeEach(async () => {
  serving = await createTestServing();
});
afterEach(() => serving.remove());

const ask = async (name: string, contentType: string, body: string | Uint8Array<ArrayBuffer>): Promise<unknown> => {
  const response = await serving.fetch(`/models/${name}`, {
    method: 'POST',
    body,
    headers: { 'content-type': contentType },
  });
  expect(response.status).toBe(200);
  return response.json();
};

const askRows = async (name: string, inputs: readonly number[][]): Promise<unknown[]> => {
  const answer = await ask(name, 'application/json', JSON.stringify({ inputs }));
  return Array.isArray(answer) ? answer : [];
};

describe('a dynamically quantised model', () => {
  it('answers a row as it would alone, whatever stands beside it', async () => {
    const { notes } = await pushModel(serving.repository, findNamed('dynamically-quantised'), { name: 'quantised' });
    const [alone, beside] = [
      await askRows('quantised', [[1, 2]]),
      await askRows('quantised', [
        [1, 2],
        [9_000, 0],
      ]),
    ];

    expect(beside).toEqual([expect.closeTo(3, 1), expect.closeTo(9_000, -2)]);
    expect(beside).toEqual([...alone, expect.anything()]);
    expect(notes.join()).toContain('quantised dynamically');
  });

  it('runs rows together when push is told so', async () => {
    const options = { name: 'together', maxBatch: 2 };
    const { notes } = await pushModel(serving.repository, findNamed('dynamically-quantised'), options);

    expect(
      await askRows('together', [
        [1, 2],
        [9_000, 0],
      ]),
    ).toEqual([expect.closeTo(0, 1), expect.closeTo(9_000, -2)]);
    expect(notes.join()).not.toContain('quantised dynamically');
  });
});

describe('a table whose columns are called 0 and 1', () => {
  it('takes its first record for values when the content type says header=absent', async () => {
    await pushModel(serving.repository, findNamed('dynamically-quantised'), { name: 'numbered' });

    expect(await ask('numbered', 'text/csv; header=absent', '1,0\n2,4')).toHaveLength(2);
    expect(await ask('numbered', 'text/csv; charset=utf-8; Header="present"', '1,0\n2,4')).toHaveLength(1);
    expect(await ask('numbered', 'text/csv', '1,0\n2,4')).toHaveLength(1);
  });
});

describe('an image classifier with one label', () => {
  it('answers the sigmoid of its logit', async () => {
    await pushModel(serving.repository, findNamed('one-label'), { name: 'bright' });

    expect(await ask('bright', 'image/png', Uint8Array.from(BLACK_PIXEL))).toEqual([
      { label: 'bright', score: expect.closeTo(1 / (1 + Math.exp(1)), 6) },
    ]);
  });
});
