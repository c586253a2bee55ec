import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Metafile } from 'esbuild';
import { gzipSync } from 'fflate';
import { buildOpenTelemetryLayer, OPENTELEMETRY_MODULE } from '../../layers/opentelemetry-layer.ts';
import { bundleFunction } from '../support/bundled-function.ts';

const AUTHORING =
  /^(src\/(authoring|evaluation|formats|source|onnx|optimise|advise)\/|src\/tasks\/.*recipe\.ts$|cli\/|local\/|layers\/|test\/)/;

const metafileOf = async (name: string): Promise<Metafile> => (await bundleFunction(name)).metafile;

const filesWhere = ({ outputs }: Metafile, matches: (output: Metafile['outputs'][string]) => boolean): string[] =>
  Object.entries(outputs).flatMap(([path, output]) => (matches(output) ? [path] : []));

/** The output files that a process reads for those of `paths`, and has not read before. */
const readFor = ({ outputs }: Metafile, paths: readonly string[], before: readonly string[] = []): string[] => {
  const read = new Set(paths);
  for (const path of read)
    for (const { path: imported, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && outputs[imported] && !before.includes(imported)) read.add(imported);
  return [...read];
};

/** The output files that a process reads before it is asked anything. */
const readAtStart = (metafile: Metafile): string[] =>
  readFor(
    metafile,
    filesWhere(metafile, ({ entryPoint }) => entryPoint?.endsWith('handler.ts') === true),
  );

const LIBRARY = 'src/generation/grammar/library.ts';
const COLLECTOR = 'src/lambda/telemetry/collector/';
const ANSWERING = ['infer', 'stream', 'on-upload', 'job', 'bulk'];

describe('bundles', () => {
  it('hold every function of the folder functions without a file that only push needs', async () => {
    const names = await readdir('functions');
    const inputs = (await Promise.all(names.map(metafileOf))).flatMap((metafile) => Object.keys(metafile.inputs));
    expect(inputs.filter((path) => AUTHORING.test(path))).toEqual([]);
    expect(inputs).toContain('src/tasks/image-classification/task.ts');
  });

  it('are read in few files, at the start and for a task', async () => {
    for (const name of ANSWERING) {
      const metafile = await metafileOf(name);
      const start = readAtStart(metafile);
      expect(start.length).toBeLessThanOrEqual(4);
      const task = filesWhere(metafile, ({ inputs }) => 'src/tasks/image-classification/task.ts' in inputs);
      expect(readFor(metafile, task, start).length).toBeLessThanOrEqual(6);
    }
  });

  it('read nothing of the SDK for S3 at the start, nor for a task', async () => {
    for (const name of ['infer', 'stream', 'on-upload', 'job']) {
      const metafile = await metafileOf(name);
      const start = readAtStart(metafile);
      const task = filesWhere(metafile, ({ inputs }) => 'src/tasks/image-classification/task.ts' in inputs);
      const inputs = [...start, ...readFor(metafile, task, start)].flatMap((path) =>
        Object.keys(metafile.outputs[path]?.inputs ?? {}),
      );
      expect(Object.keys(metafile.inputs).filter((path) => path.includes('@aws-sdk/client-s3'))).not.toEqual([]);
      expect(inputs.filter((path) => path.includes('@aws-sdk/client-s3'))).toEqual([]);
    }
  });

  it('read nothing of OpenAI at the start but its routes, its errors and the names of models', async () => {
    const metafile = await metafileOf('infer');
    const inputs = readAtStart(metafile).flatMap((path) => Object.keys(metafile.outputs[path]?.inputs ?? {}));
    expect(inputs.filter((path) => path.includes('/openai/')).sort()).toEqual([
      'src/http/openai/named-model.ts',
      'src/http/openai/routes.ts',
      'src/protocol/openai/error.ts',
    ]);
  });

  it('hold nothing of the library of grammars, which a layer has and which no start looks for', async () => {
    for (const name of ['infer', 'stream']) {
      const metafile = await metafileOf(name);
      expect(Object.keys(metafile.inputs).filter((path) => path.includes('web-xgrammar'))).toEqual([]);
      const owners = Object.entries(metafile.outputs).filter(([, { inputs }]) => LIBRARY in inputs);
      expect(owners).toHaveLength(1);
      expect(owners.filter(([path]) => readAtStart(metafile).includes(path))).toEqual([]);
    }
  });

  it('hold nothing of OpenTelemetry, which has a layer of its own, and read nothing for it at the start', async () => {
    for (const name of ANSWERING) {
      const metafile = await metafileOf(name);
      expect(Object.keys(metafile.inputs).filter((path) => path.includes('@opentelemetry'))).toEqual([]);
      const owners = Object.entries(metafile.outputs).filter(([, { inputs }]) =>
        Object.keys(inputs).some((input) => input.startsWith(COLLECTOR)),
      );
      const bytes = owners.reduce((sum, [, output]) => sum + output.bytes, 0);
      expect(owners).not.toEqual([]);
      expect(bytes).toBeLessThanOrEqual(4_000);
      expect(owners.filter(([path]) => readAtStart(metafile).includes(path))).toEqual([]);
    }
  });
});

it('the layer of OpenTelemetry is one file within its size, with a licence, and the same each time', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'opentelemetry-layer-'));
  try {
    const layer = await buildOpenTelemetryLayer(join(directory, 'layer'));
    const folder = join(layer, 'nodejs/node_modules', OPENTELEMETRY_MODULE);
    expect((await readdir(folder)).sort()).toEqual(['LICENSE', 'index.js']);
    const script = await readFile(join(folder, 'index.js'));
    process.stdout.write(`opentelemetry/index.js  ${(script.length / 1000).toFixed(0)} KB\n`);
    expect(script.length).toBeLessThanOrEqual(200_000);
    expect(gzipSync(script).length).toBeLessThanOrEqual(50_000);
    expect((await stat(join(folder, 'LICENSE'))).size).toBeGreaterThan(0);
    await buildOpenTelemetryLayer(layer);
    expect(await readFile(join(folder, 'index.js'))).toEqual(script);
    expect(await readdir(directory)).toEqual(['layer']);
  } finally {
    await rm(directory, { recursive: true });
  }
});
