import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { pullVersion } from '../../../src/authoring/pull-version.ts';
import type { Tensor, Tensors } from '../../../src/core/tensor.ts';
import { type GraphDocument, writeGraph } from '../../../src/onnx/graph-document.ts';
import type { OnnxModel } from '../../../src/onnx/onnx-model.ts';
import type { LocalVersion } from '../../../src/optimise/measuring/local-version.ts';
import { recordFeeds } from '../../../src/optimise/measuring/record-feeds.ts';
import { withOutputs } from '../../../src/optimise/passes/beside.ts';
import { dynamicInt8 } from '../../../src/optimise/passes/int8-dynamic.ts';
import { staticInt8 } from '../../../src/optimise/passes/int8-static.ts';
import type { Bits } from '../../../src/optimise/passes/quantise-weights.ts';
import { tensorsToCalibrate } from '../../../src/optimise/passes/static-plan.ts';
import type { Ranges } from '../../../src/optimise/passes/unsigned.ts';
import { prepareGraphs } from '../../../src/optimise/prepared-version.ts';
import { readSamples } from '../../../src/optimise/samples.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import { pushModel } from '../tried-models.ts';

/** A graph in float32 as the methods of `optimise` begin with it, and the inputs that it gets for some samples. */
export interface QuantisableModel {
  readonly model: OnnxModel;
  readonly document: GraphDocument;
  readonly feeds: readonly Tensors[];
}

/** Pushes the model in `folder` into `scratch`, and records what its graph is given for the samples. */
export const openQuantisable = async (
  folder: string,
  data: string,
  count: number,
  scratch: string,
): Promise<QuantisableModel> => {
  const repository = createModelRepository(createDirectoryStore(join(scratch, 'store')));
  await pushModel(repository, folder, { name: 'quantisable', bake: false });
  const bundle = await repository.bundle('quantisable', 1);
  const directory = join(scratch, 'version');
  await pullVersion(repository, bundle, directory, () => {});
  const places = Object.fromEntries(bundle.files.map(({ path }) => [path, join(directory, path)]));
  const version: LocalVersion = { bundle, places };
  const [graph] = await prepareGraphs(version);
  if (graph === undefined) throw new Error(`${folder} has no graph`);
  const { samples } = await readSamples(data, bundle.task);
  const feeds = await recordFeeds(version, samples.slice(0, count), graph.role);
  return { model: graph.original.model, document: graph.prepared, feeds };
};

/** The bytes of a graph of the model. */
export const toBytes = ({ model }: QuantisableModel, document: GraphDocument): Buffer =>
  Buffer.concat([...writeGraph(model, document)]);

const toNative = ({ dtype, data, shape }: Tensor): ort.Tensor => new ort.Tensor(dtype, data as Float32Array, shape);

type Outputs = Readonly<Record<string, Float32Array>>;

/** The float32 outputs of a graph for each of the recorded inputs. */
export const runAll = async (opened: QuantisableModel, document: GraphDocument): Promise<Outputs[]> => {
  const session = await ort.InferenceSession.create(toBytes(opened, document), {
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });
  const all: Outputs[] = [];
  for (const feeds of opened.feeds) {
    const outputs = await session.run(
      Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toNative(feed)])),
    );
    all.push(
      Object.fromEntries(
        Object.entries(outputs).flatMap(([name, { data }]) =>
          data instanceof Float32Array ? [[name, data.slice()]] : [],
        ),
      ),
    );
  }
  await session.release();
  return all;
};

/** Ranges by minimum and maximum over the recorded inputs. */
export const measureRanges = async (opened: QuantisableModel): Promise<Ranges> => {
  const { document, feeds } = opened;
  const names = tensorsToCalibrate(document.graph);
  const found = await runAll(opened, { ...document, graph: withOutputs(document.graph, names) });
  const ranges = new Map<string, readonly [number, number]>();
  for (const name of names)
    for (const [index, outputs] of found.entries()) {
      const data = outputs[name] ?? feeds[index]?.[name]?.data ?? [];
      let [low, high] = ranges.get(name) ?? [0, 0];
      for (const value of data) [low, high] = [Math.min(low, Number(value)), Math.max(high, Number(value))];
      ranges.set(name, [low, high]);
    }
  return ranges;
};

/** The graph of the model in 8-bit integers. */
export const quantise = async (
  opened: QuantisableModel,
  kind: 'dynamic' | 'static',
  bits: Bits,
): Promise<GraphDocument> =>
  kind === 'dynamic'
    ? dynamicInt8(opened.document, bits)
    : staticInt8(opened.document, { bits, ranges: await measureRanges(opened) });
