import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';

interface Outcome {
  readonly name: string;
  /** The code of the refusal; `read` for a file that became a graph, `thrown` for any other error. */
  readonly code: string;
  readonly message: string;
  readonly cpuSeconds: number;
  /** The most memory that the process had until then. */
  readonly peakBytes: number;
}

/** What a file may take: CPU time, and memory of its process, with that of Node itself. */
const MOST = { cpuSeconds: 2, bytes: 500e6 };

let outcomes: Outcome[];

/** A process that may read files, and nothing else: to write, or to start a process or a thread, throws. */
const importFiles = async (kind: 'made' | 'damaged'): Promise<Outcome[]> => {
  const guards = ['--permission', '--allow-fs-read=*', '--max-old-space-size=400', '--expose-gc'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...guards, 'test/support/keras/import-hostile.ts', kind],
    { maxBuffer: 64 * 1024 * 1024, timeout: 280_000, killSignal: 'SIGKILL' },
  );
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
};

beforeAll(async () => {
  outcomes = [...(await importFiles('made')), ...(await importFiles('damaged'))];
});

const outcomeOf = (name: string) => outcomes.find((outcome) => outcome.name === name);

describe('hostile files of Keras', () => {
  it('are refused, or read as data, each in bounded time and memory', () => {
    expect(outcomes.length).toBeGreaterThan(2500);
    expect(outcomes.filter(({ code }) => code !== 'MODEL_INVALID' && code !== 'read')).toEqual([]);
    expect(outcomes.filter(({ cpuSeconds }) => cpuSeconds > MOST.cpuSeconds)).toEqual([]);
    expect(outcomes.filter(({ peakBytes }) => peakBytes > MOST.bytes)).toEqual([]);
  });

  it.each([
    ['external-link.h5.gz', 'no weights at'],
    ['external-link-of-a-group.h5.gz', 'cannot be read'],
    ['external-dataset.h5.gz', 'cannot be read'],
    ['external-dataset-of-a-device.h5.gz', 'cannot be read'],
    ['virtual-dataset.h5.gz', 'lies in other files'],
    ['soft-link-loop.h5.gz', 'link traversal failed'],
    ['hard-link-loop.h5.gz', 'characters'],
    ['huge-shape.h5.gz', 'takes 70.4 TB from a file of'],
    ['compression-bomb.h5.gz', 'takes 200.0 MB from a file of'],
    ['unknown-filter.h5.gz', "can't synchronously read data"],
    ['names-outside.h5.gz', 'no weights at'],
    ['long-names.h5.gz', 'cannot be read'],
    ['config-no-json.h5.gz', 'no JSON'],
    ['many-layers.h5.gz', 'expected weights [16,16]'],
    ['models that double', 'called more than 20000 times'],
    ['models 500 deep', 'nested in more than 32'],
    ['a zip bomb', '300.0 MB when it is inflated'],
    ['a path outside', '../../evil'],
    ['an entry twice', 'two entries of one name'],
    ['no weights', 'expected config.json, metadata.json, model.weights.h5'],
  ])('%s: %s', (name, problem) => {
    expect(outcomeOf(name)).toMatchObject({ code: 'MODEL_INVALID', message: expect.stringContaining(problem) });
  });
});
