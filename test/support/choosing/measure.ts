import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureModel } from '../../../src/advise/advise-model.ts';
import { pushModel } from '../../../src/authoring/push-model.ts';
import { optimiseModel } from '../../../src/optimise/optimise-model.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import { RECORD, type Recorded, SAMPLES } from './record.ts';

/*
 * Measures the sample models on this computer, for docs/choosing.md: `npm run choosing:measure`. It pushes each, optimises the one with enough
 * labelled samples, and does what `advise` does.
 */

const quiet = (): void => {};
const directory = await mkdtemp(join(tmpdir(), 'choosing-'));
try {
  const repository = createModelRepository(createDirectoryStore(directory));
  const measurements: Recorded['measurements'][number][] = [];
  for (const { name, data, isOptimised } of SAMPLES) {
    process.stderr.write(`${name} …\n`);
    await pushModel(repository, `models/${name}`, { name });
    if (isOptimised)
      await optimiseModel(repository, await repository.bundle(name, 1), {
        ...{ data, maxLoss: 0.01, dryRun: false, onStep: quiet },
      });
    measurements.push(await measureModel(repository, { name, version: 1 }, data, quiet));
  }
  const recorded: Recorded = { date: new Date().toISOString().slice(0, 10), measurements };
  await writeFile(RECORD, `${JSON.stringify(recorded, undefined, 1)}\n`);
} finally {
  await rm(directory, { recursive: true });
}
