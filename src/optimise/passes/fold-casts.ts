import { tensor } from '../../core/tensor.ts';
import { integerOf, type OnnxNode } from '../../onnx/node.ts';
import { DATA_TYPES, type Weights, weightsOf } from '../../onnx/tensor-proto.ts';
import { GraphEditor } from './graph-editor.ts';
import type { Pass } from './pass.ts';
import { readFloats } from './read-floats.ts';

/** Weights that are kept in float16, and that `node` turns into float32. */
const halvesBefore = (node: OnnxNode, editor: GraphEditor): Weights | undefined => {
  if (node.operator !== 'Cast' || integerOf(node, 'to', 0) !== DATA_TYPES.float32) return undefined;
  const found = editor.find(node.inputs[0] ?? '')?.weights;
  return found?.dtype === 'float16' ? found : undefined;
};

/** Weights in float16 behind a `Cast` become float32 weights, so that other passes see their numbers. */
export const foldCasts: Pass = ({ graph, opsets }) => ({
  opsets,
  graph: new GraphEditor(graph).edit((node, editor) => {
    const halves = halvesBefore(node, editor);
    const [name = ''] = node.outputs;
    if (halves === undefined || editor.isOutput(name)) return [node];
    editor.add(weightsOf(name, tensor('float32', halves.shape, readFloats(halves))));
    return [];
  }),
});
