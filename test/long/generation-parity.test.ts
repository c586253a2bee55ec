import { describe, expect, it } from '@jest/globals';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { isOverBar } from '../support/parity/parity-row.ts';
import { measureTextGeneration } from '../support/parity/text-generation.ts';
import { measureTranslation } from '../support/parity/translation.ts';
import { measureCases, measureSpectrograms, whisperRows } from '../support/parity/whisper.ts';

/** Made by scripts of test/reference with PyTorch, optimum-onnx and transformers. */
describe('generated texts against transformers', () => {
  it('hold the bars of the page of text-generation, for every prompt and architecture', async () => {
    const rows = await measureTextGeneration();
    expect(rows.filter(isOverBar)).toEqual([]);
    expect(toBars(rows)).toBe(await barsOnPage('text-generation'));
  });

  it('hold the bars of the page of translation, for every input and setting', async () => {
    const rows = await measureTranslation();
    expect(rows.filter(({ inputs }) => inputs < 25)).toEqual([]);
    expect(rows.filter(isOverBar)).toEqual([]);
    expect(toBars(rows)).toBe(await barsOnPage('translation'));
  });

  it('hold the bars of the page of Whisper, for every recording, and when every chunk runs alone', async () => {
    const cases = await measureCases();
    expect(cases.length).toBeGreaterThanOrEqual(25);
    const alone = await measureCases(1, 2);
    expect(alone.length).toBeGreaterThanOrEqual(5);
    const all = [...cases, ...alone];
    expect(all.map(({ actual }) => actual)).toEqual(all.map(({ expected }) => expected));
    const margins = cases.flatMap(({ expected: { margin } }) => margin ?? []);
    expect(Math.min(...margins)).toBeGreaterThan(1e-4); // the reference has a clear favourite
    const rows = whisperRows(await measureSpectrograms(), cases);
    expect(toBars(rows)).toBe(await barsOnPage('automatic-speech-recognition', 'Whisper'));
  });
});
