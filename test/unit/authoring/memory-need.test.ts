import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import {
  neededMemoryMb,
  noteOnMemory,
  TEMPLATE_MEMORY_MB,
  TEMPLATE_MODEL_SHARE,
} from '../../../src/authoring/memory-need.ts';

const MB = 1024 * 1024;
const memory = (baseMb: number, peakMb: number) => ({ baseBytes: baseMb * MB, peakBytes: peakMb * MB });

describe('the memory that a function needs for a model', () => {
  it('the memory that a small model needs is the peak of its trial run', () => {
    expect(neededMemoryMb(memory(100, 150))).toBe(150);
  });

  it('the memory that a large model needs has room for it in the share of all models', () => {
    expect(neededMemoryMb(memory(100, 700))).toBe(1000);
  });
});

describe('the note on the memory of a model', () => {
  it('a note on memory is left out when the template has enough', () => {
    expect(noteOnMemory(memory(100, 1000))).toEqual([]);
  });

  it('a note on memory names the peak and the parameter that fits', () => {
    const [note] = noteOnMemory(memory(100, 2500));

    expect(note).toContain('took 2500 MB of memory at its peak');
    expect(note).toContain('--param="memory=4000"');
  });

  it('a note on memory says that no function is large enough', () => {
    expect(noteOnMemory(memory(100, 8000))).toEqual([expect.stringContaining('no function has the 13167 MB')]);
  });

  it('notes on memory go by the parameters of the template', async () => {
    const template = load(await readFile('serverless.yml', 'utf8'));

    expect(template).toMatchObject({
      params: { default: { memory: TEMPLATE_MEMORY_MB, modelMemoryShare: TEMPLATE_MODEL_SHARE } },
    });
  });
});
