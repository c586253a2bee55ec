import { describe, expect, it } from '@jest/globals';
import { measureCtc } from '../support/parity/ctc.ts';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { isOverBar } from '../support/parity/parity-row.ts';

/** Made by test/reference/ctc.py with transformers' pipeline on the same graphs. */
describe('CTC models against transformers', () => {
  it('read the same texts and timestamps out of every recording', async () => {
    const rows = await measureCtc();
    expect(rows.map(({ model }) => model)).toEqual(expect.arrayContaining(['tiny-wav2vec2', 'tiny-hubert-masked']));
    expect(rows.filter((row) => row.inputs < 25 || isOverBar(row))).toEqual([]);
    expect(toBars(rows)).toBe(await barsOnPage('automatic-speech-recognition', 'CTC models'));
  });
});
