/**
 * Plans and sums up runs with more elements than fit into the memory of this process, and prints what came as JSON. The store makes what
 * is read, and counts what is written. Arguments: `keys|table|failures <number of chunks>`.
 */
import { ServingError } from '../../../src/core/errors.ts';
import { failuresKey, parseChunkKey } from '../../../src/jobs/bulk/bulk-run.ts';
import { planRun, prefixSource, type ReadSource } from '../../../src/jobs/bulk/plan-run.ts';
import { writeManifest } from '../../../src/jobs/bulk/summarise-run.ts';
import { tableSource } from '../../../src/jobs/bulk/table-source.ts';
import type { ObjectStore } from '../../../src/repository/stores/object-store.ts';
import { bulkRun } from '../bulk.ts';

/** What the process prints. */
export interface BoundedOutcome {
  readonly elements: number;
  readonly chunks: number;
  /** Bytes of the chunks, or of the files of failures. */
  readonly bytes: number;
  readonly mostBytes: number;
  readonly files: readonly string[];
  readonly reasons: Readonly<Record<string, number>>;
}

const CHUNK = 1_000;
const ROW = `{"row":1,"input":"${'a'.repeat(8_000)}","code":"INVALID_INPUT","message":"no"}\n`;
const FAILURES = Buffer.from(ROW.repeat(CHUNK));
const HEADER = 'note,number\n';
const RECORDS = Buffer.from(`"a ""quoted""\nnote",${'9'.repeat(80)}\n`.repeat(CHUNK));

const [, , scenario = '', count = '0'] = process.argv;
const chunks = Number(count);
const sizes = new Map<string, number>();
let manifest: Partial<BoundedOutcome> = {};

const refuse = (): never => {
  throw new ServingError('NOT_FOUND', 'this store has no such object');
};
const store: ObjectStore = {
  location: 'nowhere',
  head: async () => refuse(),
  readChanged: async () => refuse(),
  remove: async () => refuse(),
  async *readRange() {},
  async *readBlocks() {},
  async *folders() {},
  read: async (key) => {
    if (!key.includes('/failures/')) return refuse();
    return { key, body: FAILURES, sizeBytes: FAILURES.length, etag: '', contentType: undefined };
  },
  write: async (key, body) => {
    if (key.endsWith('manifest.json')) manifest = JSON.parse(body.toString());
    if (parseChunkKey(key) || key.includes('/failures')) sizes.set(key, Buffer.byteLength(body));
    return '';
  },
  async *list() {
    for (let index = 0; index < chunks * CHUNK; index += 1)
      yield { key: `uploads/iris/${String(index).padStart(12, '0')}.csv`, sizeBytes: 1, etag: '', modifiedMs: 0 };
  },
};

const openTable = async function* (offset: number): AsyncGenerator<Uint8Array> {
  if (offset === 0) yield Buffer.from(HEADER);
  for (let chunk = 0; chunk < chunks; chunk += 1) yield RECORDS;
};

const plan = async (source: ReadSource): Promise<Partial<BoundedOutcome>> =>
  planRun(store, bulkRun({ chunk: CHUNK }), source);

const table = { path: 'rows.csv', kind: 'csv', stamp: '', open: openTable } as const;
const SCENARIOS: Readonly<Record<string, () => Promise<Partial<BoundedOutcome>>>> = {
  keys: () => plan(prefixSource(store, 'uploads/iris/')),
  table: () => plan(tableSource(table, { rows: CHUNK, bytes: Number.POSITIVE_INFINITY })),
  failures: async () => {
    const end = { succeeded: 0, failed: CHUNK, isKnown: true };
    const keyOf = (chunk: number): string => `bulk/run/failures/${chunk}.jsonl`;
    const counted = new Map(Array.from({ length: chunks }, (_, chunk) => [chunk, { end, failuresKey: keyOf(chunk) }]));
    const failed = chunks * CHUNK;
    const summary = {
      chunks: { done: chunks, total: chunks },
      elements: failed,
      succeeded: 0,
      failed,
      isPlanned: true,
    };
    await writeManifest(store, bulkRun(), { ...summary, counted });
    return { ...manifest, chunks };
  },
};

const outcome = await SCENARIOS[scenario]?.();
const bytes = [...sizes.values()];
const written = { bytes: bytes.reduce((sum, each) => sum + each, 0), mostBytes: Math.max(...bytes) };
const files = [...sizes.keys()].filter((key) => key.startsWith(failuresKey('run').slice(0, -'.jsonl'.length)));
process.stdout.write(JSON.stringify({ ...outcome, ...written, files }));
