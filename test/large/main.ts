import { parseArgs } from 'node:util';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { checkModel } from './check-model.ts';
import { WEIGHT_TYPES } from './layered-model.ts';

/**
 * `npm run test:large` makes models of 1.5 GB, pushes them with an interruption, loads them from the S3 of `npm start`, and evicts them. It says what
 * that took, and fails when memory is not bounded. `-- --mb 300` takes another size, `-- --only int4` one type of weights. It needs five times the
 * size of a model on the disk.
 */
const { values } = parseArgs({ options: { mb: { type: 'string', default: '1500' }, only: { type: 'string' } } });
const megabytes = Number(values.mb);
if (!(megabytes > 0)) throw new Error(`--mb ${values.mb} is no size`);
const types = WEIGHT_TYPES.filter((type) => values.only === undefined || type === values.only);
if (types.length === 0) throw new Error(`--only ${values.only} is none of ${WEIGHT_TYPES.join(', ')}`);

for (const type of types) {
  const { fileBytes, downloadMs, createMs, downloadGrowthBytes, peakGrowthBytes, before, loaded, evicted, notes } =
    await checkModel(type, megabytes * 1e6);
  const growth = (part: 'ownBytes' | 'mappedBytes', after = loaded): string => formatBytes(after[part] - before[part]);
  const rows = {
    'files that a load brings': formatBytes(fileBytes),
    'download, verified': `${Math.round(downloadMs)} ms`,
    'memory of the download': formatBytes(downloadGrowthBytes),
    'creation of the session': `${Math.round(createMs)} ms`,
    'peak of the memory': `${formatBytes(peakGrowthBytes)}, ${(peakGrowthBytes / fileBytes).toFixed(2)} of the files`,
    'loaded, of its own': growth('ownBytes'),
    'loaded, mapped': growth('mappedBytes'),
    'evicted, of its own': growth('ownBytes', evicted),
  };
  console.log(
    `${type}\n${Object.entries(rows)
      .map(([what, value]) => `  ${what.padEnd(26)}${value}\n`)
      .join('')}`,
  );
  for (const note of notes) console.log(`  push: ${note}`);
}
