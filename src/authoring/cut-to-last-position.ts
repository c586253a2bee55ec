import { readFile, writeFile } from 'node:fs/promises';
import { allocate, mapTensors, type Signature, sliceData, type Tensors, tensor } from '../core/tensor.ts';
import type { Session } from '../engine/session.ts';
import { DRAFT_INPUTS, isDraftInput, ONE_STEP } from '../generation/causal/draft.ts';
import { oldOf } from '../generation/causal/layout.ts';
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

const PAST = 'past_key_values.';

/** The caches of `feeds` by the names that `toName` gives them, without their tokens. */
const withoutTokens = (feeds: Tensors, toName: (past: string) => string): Tensors =>
  Object.fromEntries(
    Object.entries(feeds)
      .filter(([name]) => name.startsWith(PAST))
      .map(
        ([
          name,
          {
            dtype,
            shape: [rows = 1, heads = 0, , size = 0],
          },
        ]) => [toName(name), tensor(dtype, [rows, heads, 0, size], allocate(dtype, 0))],
      ),
  );

const takesParts = ({ inputs }: Signature): boolean => inputs.some(({ name }) => name.startsWith(oldOf(PAST)));

/** `feeds` with those that a graph of several steps takes beside them. */
const withDraft = (feeds: Tensors, signature: Signature, steps: number): Tensors => {
  const { inputs } = signature;
  const draft = { ...ONE_STEP, steps, uniform: new Array<number>(steps).fill(0) };
  const own = inputs.flatMap(({ name }) => (isDraftInput(name) ? [[name, DRAFT_INPUTS[name](draft, 1)] as const] : []));
  return { ...Object.fromEntries(own), ...(takesParts(signature) && withoutTokens(feeds, oldOf)), ...feeds };
};

/** Runs `run` again in one step. @returns the largest difference of the outputs */
export const replayRun = async (session: Session, { feeds, outputNames, outputs }: RecordedRun): Promise<number> =>
  largestDifference(outputs, await session.run(withDraft(feeds, session.signature, 1), outputNames));

const firstRow = (outputs: Tensors): Tensors =>
  mapTensors(outputs, ({ dtype, shape: [, , width = 0], data }) =>
    tensor(dtype, [1, 1, width], sliceData(data, 0, width)),
  );

/**
 * Runs `run` in two steps, where the graph takes them, and in one with the token that the first step drafted.
 * @returns the largest difference of their logits
 */
export const compareSteps = async (session: Session, { feeds }: RecordedRun): Promise<number> => {
  const { signature } = session;
  if (!signature.inputs.some(({ name }) => name === 'steps')) return 0;
  const both = await session.run(withDraft(feeds, signature, 2), ['logits']);
  const first = await session.run(withDraft(feeds, signature, 1), ['logits']);
  return largestDifference(firstRow(first), firstRow(both));
};

/**
 * Runs the step `run` with its cache as that of before the run, where the graph takes a cache in two parts.
 * @returns the largest difference of the logits to those of the cache in one part
 */
export const compareParts = async (session: Session, { feeds }: RecordedRun): Promise<number> => {
  const { signature } = session;
  const caches = Object.entries(feeds).filter(([name]) => name.startsWith(PAST));
  if (!takesParts(signature) || feeds.input_ids?.data.length !== 1 || caches[0]?.[1].data.length === 0) return 0;
  const parts = {
    ...{ ...feeds, ...withoutTokens(feeds, (past) => past) },
    ...Object.fromEntries(caches.map(([name, cache]) => [oldOf(name), cache])),
  };
  const whole = await session.run(withDraft(feeds, signature, 1), ['logits']);
  const split = await session.run(withDraft(parts, signature, 2), ['logits']);
  return largestDifference(firstRow(whole), firstRow(split));
};
