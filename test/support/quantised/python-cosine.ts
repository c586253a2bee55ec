import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cosine } from '../../../src/metrics/embeddings.ts';
import { openQuantisable, quantise, runAll } from './quantisable-model.ts';

/** Models whose outputs in 8-bit integers test/reference/quantised_models.py recorded, with their samples. */
export const QUANTISED = {
  lite0: { data: 'models/efficientnet-lite0/samples', count: 3, kind: 'static' },
  minilm: { data: 'models/sentiment/held-out.tsv', count: 8, kind: 'dynamic' },
} as const;

type Name = keyof typeof QUANTISED;

const RECORD = 'test/fixtures/reference/quantised-models.json';

const readRecord = async (name: Name): Promise<Float32Array[]> => {
  const outputs: Readonly<Record<Name, readonly string[]>> = JSON.parse(await readFile(RECORD, 'utf8'));
  return outputs[name].map((text) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer));
};

/** The mean cosine of the outputs of our graph with those of Python's quantizer, for the model in `folder`. */
export const pythonCosine = async (name: Name, folder: string): Promise<number> => {
  const { data, count, kind } = QUANTISED[name];
  const scratch = await mkdtemp(join(tmpdir(), 'quantised-'));
  try {
    const recorded = await readRecord(name);
    const opened = await openQuantisable(folder, data, count, scratch);
    const outputs = await runAll(opened, await quantise(opened, kind, 7));
    const cosines = recorded.map((expected, index) => {
      const [output = new Float32Array()] = Object.values(outputs[index] ?? {});
      return cosine(output.subarray(0, expected.length), expected); // of MiniLM, the first token
    });
    return cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
  } finally {
    await rm(scratch, { recursive: true });
  }
};
