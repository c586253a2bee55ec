import { readFile, writeFile } from 'node:fs/promises';
import { mapTensors, type Signature, sliceData, type Tensors, tensor } from '../core/tensor.ts';
import type { Session } from '../engine/session.ts';
import { DRAFT_INPUTS, isDraftInput, ONE_STEP } from '../generation/causal/draft.ts';
import { toPieces } from '../onnx/chunks.ts';
import { readGraph, writeGraph } from '../onnx/graph-document.ts';
import { withLastPosition } from '../onnx/last-position.ts';
import { parseOnnxModel } from '../onnx/onnx-model.ts';
import { withDecodingLoop } from './decoding-loop.ts';
import { largestDifference, type RecordedRun } from './recorded-runs.ts';

/**
 * Makes the graph at `path`, whose weights lie beside it, compute an output for its last position alone, and several steps in a run where
 * that is faster.
 * @returns false for a graph that stays as it is
 */
export const cutToLastPosition = async (path: string, output: string): Promise<boolean> => {
  const model = parseOnnxModel(await readFile(path));
  const { graph, opsets } = readGraph(model);
  const cut = withLastPosition(graph, output);
  if (cut === graph) return false;
  await writeFile(path, toPieces(writeGraph(model, withDecodingLoop({ graph: cut, opsets }))));
  return true;
};

/** A run of one row as the graph that was cut gives it: with the last position of an output [1,positions,width]. */
export const lastPositionOfRun = (run: RecordedRun, output: string): RecordedRun => ({
  ...run,
  outputs: mapTensors(run.outputs, (own, name) => {
    if (name !== output) return own;
    const { dtype, shape, data } = own;
    const [, , width = 0] = shape;
    return tensor(dtype, [1, 1, width], sliceData(data, data.length - width, data.length));
  }),
});

/** `feeds` with those that a graph of several steps takes beside them. */
const withDraft = (feeds: Tensors, { inputs }: Signature, steps: number): Tensors => {
  const draft = { ...ONE_STEP, steps, uniform: new Array<number>(steps).fill(0) };
  const own = inputs.flatMap(({ name }) => (isDraftInput(name) ? [[name, DRAFT_INPUTS[name](draft, 1)] as const] : []));
  return { ...Object.fromEntries(own), ...feeds };
};

/** Runs `run` again in one step. @returns the largest difference of the outputs */
export const replayRun = async (session: Session, { feeds, outputNames, outputs }: RecordedRun): Promise<number> =>
  largestDifference(outputs, await session.run(withDraft(feeds, session.signature, 1), outputNames));

/**
 * Runs `run` in two steps, where the graph takes them, and in one with the token that the first step drafted.
 * @returns the largest difference of their logits
 */
export const compareSteps = async (session: Session, { feeds }: RecordedRun): Promise<number> => {
  const { signature } = session;
  if (!signature.inputs.some(({ name }) => name === 'steps')) return 0;
  const both = await session.run(withDraft(feeds, signature, 2), ['logits']);
  const first = await session.run(withDraft(feeds, signature, 1), ['logits']);
  const row = (outputs: Tensors): Tensors =>
    mapTensors(outputs, ({ dtype, shape: [, , width = 0], data }) =>
      tensor(dtype, [1, 1, width], sliceData(data, 0, width)),
    );
  return largestDifference(row(first), row(both));
};
