import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createRandom } from '../../../src/core/random.ts';
import { type BulkRun, chunkKey, createRun, resultKey } from '../../../src/jobs/bulk/bulk-run.ts';
import { planRun, prefixSource } from '../../../src/jobs/bulk/plan-run.ts';
import { tableSource } from '../../../src/jobs/bulk/table-source.ts';
import { createS3UploadStore } from '../../../src/repository/stores/s3-upload-store.ts';
import { bulkRun } from '../../support/bulk.ts';
import { toFigure, toRatio } from '../figures.ts';
import type { Results } from '../measures.ts';
import { SAMPLE, type Sample } from '../sample.ts';
import type { BulkInput, BulkTimes } from '../scripts/bulk.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

/** What a turn has: one chunk of pictures; ten chunks of rows. The first turn, which does not count, has a tenth. */
interface Sizes {
  readonly pictures: number;
  readonly rows: number;
  readonly rounds: number;
}
const SIZES: Sizes = { pictures: 2_000, rows: 100_000, rounds: 3 };
const QUICK_SIZES: Sizes = { pictures: 200, rows: 20_000, rounds: 3 };

const ROWS_OF_CHUNK = 10_000;
const PICTURES_OF_RUN = 20;
const LABELS = ['setosa', 'versicolor', 'virginica'];
const HEADER = 'sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)';

const dataOf = ({ storage: { client, dataBucket } }: Workbench) => createS3UploadStore(client, dataBucket);
const urlOf = ({ storage: { endpoint, dataBucket } }: Workbench, key: string): string =>
  `${endpoint}/${dataBucket}/${key}`;
const chunksOf = ({ name }: BulkRun, chunks: number): string[] =>
  Array.from({ length: chunks }, (_, chunk) => chunkKey(name, chunk));

/** Uploads pictures below a prefix, the photos again and again. */
const uploadPictures = async ({ storage }: Workbench, photos: readonly Buffer[], count: number): Promise<void> => {
  const { client, dataBucket } = storage;
  for (let first = 0; first < count; first += photos.length)
    await Promise.all(
      photos.slice(0, count - first).map((Body, index) => {
        const Key = `uploads/${SAMPLE}/bulk-${count}/${String(first + index).padStart(6, '0')}.jpg`;
        return client.send(new PutObjectCommand({ Bucket: dataBucket, Key, Body }));
      }),
    );
};

const planPictures = async (workbench: Workbench, turn: number, count: number): Promise<BulkRun> => {
  const data = dataOf(workbench);
  const run = bulkRun({ name: `pictures-${turn}`, model: SAMPLE, chunk: count });
  await createRun(data, run);
  await planRun(data, run, prefixSource(data, `uploads/${SAMPLE}/bulk-${count}/`));
  return run;
};

const measurePictures = async (workbench: Workbench, sample: Sample, sizes: Sizes): Promise<BulkTimes> => {
  const { graphPath, id2label, photoPaths } = sample;
  const photos = await Promise.all(photoPaths.map((file) => readFile(file)));
  const counts = Array.from({ length: sizes.rounds + 1 }, (_, turn) =>
    turn === 0 ? sizes.pictures / 10 : sizes.pictures,
  );
  for (const count of new Set(counts)) await uploadPictures(workbench, photos, count);
  const turns: string[][] = [];
  for (const [turn, count] of counts.entries()) turns.push(chunksOf(await planPictures(workbench, turn, count), 1));
  return workbench.run<BulkTimes>('bulk', {
    handlerPath: path.join(workbench.directory, 'bulk/handler.mjs'),
    rounds: sizes.rounds,
    turns,
    resultUrl: urlOf(workbench, resultKey(bulkRun({ name: `pictures-${sizes.rounds}` }), 0)),
    floor: { kind: 'pictures', graphPath, id2label, photoPaths, counts, batch: PICTURES_OF_RUN },
  } satisfies BulkInput);
};

/** Writes a table in parts, and plans a run of it. @returns the parts, one for each chunk */
const planTable = async (workbench: Workbench, turn: number, count: number): Promise<string[]> => {
  const data = dataOf(workbench);
  const random = createRandom(turn);
  const cell = (least: number, most: number): string => (least + random() * (most - least)).toFixed(1);
  const row = (): string => `${cell(4, 8)},${cell(2, 4.5)},${cell(1, 7)},${cell(0, 2.5)}\n`;
  const folder = path.join(workbench.directory, 'tables');
  await mkdir(folder, { recursive: true });
  const parts = Array.from({ length: count / ROWS_OF_CHUNK }, () =>
    Array.from({ length: ROWS_OF_CHUNK }, row).join(''),
  );
  const paths = parts.map((_, part) => path.join(folder, `${turn}-${part}.csv`));
  await Promise.all(parts.map((part, index) => writeFile(paths[index] ?? '', `${HEADER}\n${part}`)));

  const bytes = Buffer.from(`${HEADER}\n${parts.join('')}`);
  const open = async function* (offset: number) {
    yield bytes.subarray(offset);
  };
  const run = bulkRun({ name: `table-${turn}`, chunk: ROWS_OF_CHUNK });
  await createRun(data, run);
  const file = { path: 'flowers.csv', kind: 'csv', stamp: '', open } as const;
  await planRun(data, run, tableSource(file, { rows: ROWS_OF_CHUNK, bytes: bytes.length }));
  return paths;
};

const measureTable = async (workbench: Workbench, sizes: Sizes): Promise<BulkTimes> => {
  const source = path.join(projectRoot, 'models/iris');
  await workbench.push(source, 'iris');
  const tablePaths: string[][] = [];
  for (let turn = 0; turn <= sizes.rounds; turn += 1)
    tablePaths.push(await planTable(workbench, turn, turn === 0 ? ROWS_OF_CHUNK : sizes.rows));
  return workbench.run<BulkTimes>('bulk', {
    handlerPath: path.join(workbench.directory, 'bulk/handler.mjs'),
    rounds: sizes.rounds,
    turns: tablePaths.map((parts, turn) => chunksOf(bulkRun({ name: `table-${turn}` }), parts.length)),
    resultUrl: urlOf(workbench, resultKey(bulkRun({ name: `table-${sizes.rounds}` }), sizes.rows / ROWS_OF_CHUNK - 1)),
    floor: { kind: 'table', graphPath: path.join(source, 'model.onnx'), labels: LABELS, tablePaths },
  } satisfies BulkInput);
};

/** Pictures and rows through one child of a run. */
export const measureBulk = async (workbench: Workbench, sample: Sample, isQuick: boolean): Promise<Results> => {
  const sizes = isQuick ? QUICK_SIZES : SIZES;
  const pictures = await measurePictures(workbench, sample, sizes);
  const table = await measureTable(workbench, sizes);
  return {
    // As much as the raw loops do in the same time.
    figures: {
      'bulk.throughput_ratio': toRatio(pictures.floor, pictures.bulk),
      'bulk.table_ratio': toRatio(table.floor, table.bulk),
    },
    times: {
      [`${sizes.pictures} JPEGs, raw loop`]: toFigure(pictures.floor),
      [`${sizes.pictures} JPEGs, a chunk of bulk`]: toFigure(pictures.bulk),
      [`${sizes.rows} rows of CSV, raw loop`]: toFigure(table.floor),
      [`${sizes.rows} rows of CSV, chunks of bulk`]: toFigure(table.bulk),
    },
  };
};
