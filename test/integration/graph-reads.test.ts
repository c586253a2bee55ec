import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { prepareModel } from '../../src/authoring/prepare-model.ts';
import { readModel } from '../../src/authoring/read-model.ts';
import { recogniseTask } from '../../src/authoring/recognise-task.ts';
import { createGraphSource } from '../../src/source/graph-source.ts';
import { findModel, type ModelSource } from '../../src/source/model-source.ts';

const MODELS = 'test/fixtures/models';

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'graph-reads-'));
});
afterEach(() => rm(scratch, { recursive: true }));

/** A model that tells `onRead` of the bytes of each graph that it reads. */
const observe = async (path: string, onRead: (file: string, bytes: Buffer) => void): Promise<ModelSource> => {
  const source = await findModel(path);
  const graphs = Object.entries(source.graphs).map(([role, { path: file }]) => {
    const graph = createGraphSource(file, async () => {
      const bytes = await readFile(join(source.directory, file));
      onRead(file, bytes);
      return bytes;
    });
    return [role, { ...graph, isFile: true }] as const;
  });
  return { ...source, graphs: Object.fromEntries(graphs) };
};

const classification = { task: 'tabular-classification', reason: 'as asked for' } as const;

describe('the preparation of a model', () => {
  it.each([
    ['with metadata of its exporter', 'tiny-yolo', ['tiny-yolo.onnx']],
    ['with a ZipMap that names the classes', 'zip-map.onnx', ['zip-map.onnx']],
    ['with weights in other files', 'external-data/model.onnx', ['model.onnx']],
    ['with two graphs', 'tiny-marian', ['encoder_model.onnx', 'decoder_model_merged.onnx']],
  ])('reads the file of each graph once, of a model %s', async (_what, path, graphs) => {
    const reads: string[] = [];
    const source = await observe(join(MODELS, path), (file) => reads.push(file));

    const recognised = path === 'zip-map.onnx' ? classification : await recogniseTask(source);
    await prepareModel(source, 'any', recognised, {}, scratch);

    expect(reads).toEqual(graphs);
  });

  it('publishes the bytes of a graph that is made at push, not of the file in its place', async () => {
    const made = await readFile(join(MODELS, 'double-int64.onnx'));
    const source = await findModel(join(MODELS, 'add.onnx'));
    const model = createGraphSource('add.onnx', async () => made);

    const tensor = { task: 'tensor', reason: 'as asked for' };
    const { files } = await prepareModel({ ...source, graphs: { model } }, 'any', tensor, {}, scratch);

    expect(await Promise.all(files.map(({ localPath }) => readFile(localPath)))).toEqual([made]);
  });

  it('holds no bytes of a graph once its files are gathered, even of one that it changed', async () => {
    const bytes: WeakRef<ArrayBufferLike>[] = [];
    const source = await observe(join(MODELS, 'zip-map.onnx'), (_file, { buffer }) => bytes.push(new WeakRef(buffer)));

    const model = await readModel(source, classification, {}, scratch);
    await setImmediate();
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();

    expect(model.files.map(({ path }) => path)).toEqual(['zip-map.onnx']);
    expect(bytes.map((each) => each.deref())).toEqual([undefined]);
  });
});
