import { readFile, writeFile } from 'node:fs/promises';
import { allocate, mapTensors, type Signature, sliceData, type Tensors, tensor } from '../core/tensor.ts';
import type { Session } from '../engine/session.ts';
import { DRAFT_INPUTS, isDraftInput, ONE_STEP } from '../generation/causal/draft.ts';
import { oldOf } from '../generation/causal/layout.ts';
import { toPieces } from '../onnx/chunks.ts';
import { readGraph, writeGraph } from '../onnx/graph-document.ts';
import { withLastPosition } from '../onnx/last-position.ts';
import { integerOf, type OnnxNode } from '../onnx/node.ts';
import { parseOnnxModel } from '../onnx/onnx-model.ts';
import { withDecodingLoop } from './decoding-loop.ts';
import { largestDifference, type RecordedRun } from './recorded-runs.ts';

/** Operators that round their input to 8 bits. */
const ROUNDING = ['DynamicQuantizeLinear', 'DynamicQuantizeMatMul', 'QuantizeLinear', 'MatMulIntegerToFloat'];

/** The `accuracy_level` of `MatMulNBits` that rounds its input to 8 bits, where the processor has products of them. */
const IN_8_BITS = 4;

const rounds = (node: OnnxNode): boolean =>
  ROUNDING.includes(node.operator) ||
  (node.operator === 'MatMulNBits' && integerOf(node, 'accuracy_level', 0) === IN_8_BITS);

/** A graph that was cut. */
export interface Cut {
  /** Tells that a node rounds numbers to 8 bits: a difference of the last bit may become one of a step. */
  readonly rounds: boolean;
}

/**
 * Makes the graph at `path`, whose weights lie beside it, compute an output for its last position alone, and several steps in a run where
 * that is faster.
 * @returns undefined for a graph that stays as it is
 */
export const cutToLastPosition = async (path: string, output: string): Promise<Cut | undefined> => {
  const model = parseOnnxModel(await readFile(path));
  const { graph, opsets } = readGraph(model);
  const cut = withLastPosition(graph, output);
  if (cut === graph) return undefined;
  await writeFile(path, toPieces(writeGraph(model, withDecodingLoop({ graph: cut, opsets }))));
  return { rounds: cut.nodes.some(rounds) };
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

/** Old parts without tokens for the caches of `feeds`. */
const emptyOldParts = (feeds: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(feeds)
      .filter(([name]) => name.startsWith(PAST))
      .map(([name, { dtype, shape }]) => {
        const [rows = 1, heads = 0, , size = 0] = shape;
        return [oldOf(name), tensor(dtype, [rows, heads, 0, size], allocate(dtype, 0))];
      }),
  );

/** `feeds` of one step with those that a graph of several steps takes beside them. */
const asOneStep = (feeds: Tensors, { inputs }: Signature): Tensors => {
  const own = inputs.flatMap(({ name }) =>
    isDraftInput(name) ? [[name, DRAFT_INPUTS[name](ONE_STEP, 1)] as const] : [],
  );
  const takesParts = inputs.some(({ name }) => name.startsWith(oldOf(PAST)));
  return { ...Object.fromEntries(own), ...(takesParts && emptyOldParts(feeds)), ...feeds };
};

/** Runs `run` again in one step. @returns the largest difference of the outputs */
export const replayRun = async (session: Session, { feeds, outputNames, outputs }: RecordedRun): Promise<number> =>
  largestDifference(outputs, await session.run(asOneStep(feeds, session.signature), outputNames));
