import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { CAPTURE_COLUMNS, misfitsOf } from '../support/monitoring/capture-columns.ts';
import { capturesOf, startCapture } from '../support/monitoring/captures.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

/** Records of all kinds of inputs and answers, as the table of Athena has to read them. */

const TEXT = 'I love this phone, it works perfectly.';
const texts = (inputs: unknown): RequestInit => ({ body: JSON.stringify({ inputs }) });
const photo: RequestInit = {
  headers: { 'content-type': 'image/jpeg' },
  body: await readFile('models/efficientnet-lite0/samples/coffee.jpg'),
};
const BODIES: Readonly<Record<string, readonly RequestInit[]>> = {
  iris: [texts([[5.1, 3.5, 1.4, 0.2]]), texts(7)],
  sentiment: [texts(TEXT), texts(TEXT.repeat(3_000))],
  'efficientnet-lite0': [photo],
  'retail-recommender': [{ body: await readFile('models/retail-recommender/samples/history.json', 'utf8') }],
  'tabular-ridge': [texts([[1, 2, 3]])],
  'tiny-bert-sentences': [texts(TEXT)],
  'tiny-bert-ner': [texts(TEXT)],
  'tiny-detr': [photo],
  'tiny-marian': [texts(TEXT)],
};

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
});
afterAll(() => serving.remove());

it('the fields of records of each kind have a column of their type', async () => {
  const seen = new Set<string>();
  for (const [name, bodies] of Object.entries(BODIES)) {
    await pushNamed(serving.repository, name);
    await startCapture(serving, name, { inputs: 'full' });
    for (const body of bodies)
      await serving.fetch(`/models/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        ...body,
      });
    const records = await capturesOf(serving, name);
    expect(records).toHaveLength(bodies.length);
    for (const record of records) {
      expect({ name, misfits: misfitsOf(record) }).toEqual({ name, misfits: [] });
      for (const field of Object.keys(record)) seen.add(field);
    }
  }
  // A unit is written for canaries alone: test/integration/canary-answers.test.ts reads it.
  const missing = Object.keys(CAPTURE_COLUMNS).filter((column) => !seen.has(column));
  expect(missing).toEqual(['unit']);
});
