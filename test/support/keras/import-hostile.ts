import { peakMemory } from '../../../src/authoring/process-memory.ts';
import { ServingError } from '../../../src/core/errors.ts';
import { importKeras } from '../../../src/formats/keras/import-keras.ts';
import { HOSTILE_CASES } from './hostile-cases.ts';

/** Imports each hostile file of a kind, `made` or `damaged`, and writes a line of JSON for each: its name, the code and message of its refusal, and the seconds of CPU. */

const refusalOf = async (bytes: Buffer): Promise<{ code: string; message: string }> => {
  try {
    await importKeras(bytes);
    return { code: 'read', message: '' };
  } catch (error) {
    return error instanceof ServingError
      ? { code: error.code, message: error.message }
      : { code: 'thrown', message: String(error) };
  }
};

const [, , kind] = process.argv;
const [cases, filesPerCollection] = kind === 'made' ? [HOSTILE_CASES.made(), 1] : [HOSTILE_CASES.damaged(), 100];
let count = 0;
for (const { name, bytes } of cases) {
  if (count++ % filesPerCollection === 0) gc?.();
  const start = process.cpuUsage();
  const refusal = await refusalOf(bytes);
  const { user, system } = process.cpuUsage(start);
  console.log(JSON.stringify({ name, ...refusal, cpuSeconds: (user + system) / 1e6, peakBytes: peakMemory() }));
}
