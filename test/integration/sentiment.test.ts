import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LabelScore } from '../../src/tasks/scores.ts';
import { readJson } from '../support/image-parity.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

const MODEL = 'models/sentiment';

/** `golden.json` is what the scikit-learn model answers, `evaluation.json` what was measured when it was trained. */
const { positive } = (await readJson(join(MODEL, 'golden.json'))) as { positive: Record<string, number> };
const evaluation = (await readJson(join(MODEL, 'evaluation.json'))) as {
  held_out_sentences: number;
  right: number;
  interval_95: readonly [number, number];
};
const heldOut = (await readFile(join(MODEL, 'held-out.tsv'), 'utf8'))
  .trimEnd()
  .split('\n')
  .slice(1) // the header
  .map((line) => {
    const [text = '', label = ''] = line.split('\t');
    return { text, label: label === '1' ? 'POSITIVE' : 'NEGATIVE' };
  });

describe('the sample model sentiment', () => {
  let serving: TestServing;
  beforeAll(async () => {
    serving = await createTestServing();
    await pushNamed(serving.repository, 'sentiment');
  });
  afterAll(() => serving.remove());

  const classify = async (texts: readonly string[]): Promise<LabelScore[][]> => {
    const response = await serving.fetch('/models/sentiment', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: texts }),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as LabelScore[][];
  };

  it('scores its golden sentences as the scikit-learn model does', async () => {
    const texts = Object.keys(positive);
    expect(texts.length).toBeGreaterThanOrEqual(12);

    const answers = await classify(texts);

    answers.forEach((scores, index) => {
      const score = scores.find(({ label }) => label === 'POSITIVE')?.score ?? Number.NaN;
      expect(Math.abs(score - (positive[texts[index] as string] as number))).toBeLessThanOrEqual(1e-5);
    });
  });

  it('gets right what README.md says of sentences that it was not trained on', async () => {
    const answers = await classify(heldOut.map(({ text }) => text));

    const right = answers.filter(([best], index) => best?.label === heldOut[index]?.label).length;
    expect({ right, of: answers.length }).toEqual({ right: evaluation.right, of: evaluation.held_out_sentences });
    expect(right / answers.length).toBeGreaterThanOrEqual(0.8);
    const percent = (share: number) => (100 * share).toFixed(1);
    const [low, high] = evaluation.interval_95;
    expect(await readFile(join(MODEL, 'README.md'), 'utf8')).toContain(
      `**${percent(right / answers.length)} % of the held-out sentences are right: ${right} of ${answers.length}, 95 % interval ${percent(low)} % to ${percent(high)} %**`,
    );
  });

  it('is measured on sentences of its data, none of them twice', async () => {
    const normalise = (text: string): string =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_]+/gu, ' ')
        .trim();
    const measured = new Set(heldOut.map(({ text }) => normalise(text)));
    const sources = (await readdir(join(MODEL, 'data'))).filter((file) => file.endsWith('_labelled.txt'));
    const lines = (await Promise.all(sources.map((file) => readFile(join(MODEL, 'data', file), 'utf8'))))
      .join('')
      .trimEnd()
      .split('\n');

    expect(lines).toHaveLength(3_000);
    expect(measured.size).toBe(heldOut.length); // none stands twice
    const known = new Set(lines.map((line) => normalise(line.split('\t')[0] ?? '')));
    expect([...measured].filter((text) => !known.has(text))).toEqual([]);
  });

  it('has 5 MB at most', async () => {
    const files = await readdir(MODEL, { recursive: true, withFileTypes: true });
    const sizes = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name))),
    );

    expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(5_000_000);
  });
});
