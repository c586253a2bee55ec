import { readFile } from 'node:fs/promises';
import { isObject } from '../../src/core/is-object.ts';
import { type Tensor, tensor } from '../../src/core/tensor.ts';
import type { Chunks } from '../../src/onnx/chunks.ts';
import { createGraph, longs, singles, type Value } from '../../src/onnx/graph-builder.ts';
import { float, integer, integers } from '../../src/onnx/node.ts';

/** The sizes in the config.json of a BERT model. */
export interface BertSizes {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_hidden_layers: number;
  readonly layer_norm_eps: number;
}

/** Reads the float32 weights of a safetensors file, by name. */
export const readSafetensors = async (path: string): Promise<(name: string) => Tensor> => {
  const bytes = await readFile(path);
  const headerBytes = Number(bytes.readBigUInt64LE());
  const header: unknown = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes));
  return (name) => {
    const entry = isObject(header) ? header[name] : undefined;
    if (!isObject(entry) || entry.dtype !== 'F32') throw new Error(`${path} has no float32 weights ${name}`);
    const [[start = 0, end = 0], shape] = [
      Array.from(Object(entry.data_offsets), Number),
      Array.from(Object(entry.shape), Number),
    ];
    const from = 8 + headerBytes + start;
    return tensor(
      'float32',
      shape,
      new Float32Array(bytes.buffer.slice(bytes.byteOffset + from, bytes.byteOffset + from + end - start)),
    );
  };
};

/** A matrix float32[out,in] as float32[in,out]. */
const transposed = ({ shape: [rows = 0, columns = 0], data }: Tensor): Tensor => {
  if (!(data instanceof Float32Array)) throw new TypeError('a matrix of weights is float32');
  const turned = new Float32Array(rows * columns);
  for (let row = 0, at = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1, at += 1) turned[column * rows + row] = data[at] ?? 0;
  return singles([columns, rows], turned);
};

/**
 * The ONNX graph of a BERT encoder as Optimum exports it: input_ids, attention_mask and token_type_ids to last_hidden_state.
 * @param head float32[hidden_size,labels]: with it, the graph gives the logits of labels for each token instead
 */
export const buildBert = (weights: (name: string) => Tensor, sizes: BertSizes, head?: Tensor): Chunks => {
  const { hidden_size: width, num_attention_heads: heads } = sizes;
  const graph = createGraph('bert');
  const { op } = graph;
  const named = (name: string): Value => graph.constant(weights(name));
  const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    graph.input(name, 'int64', ['batch', 'sequence']),
  );
  const [ids = '', mask = '', types = ''] = inputs;
  const scalar = (value: number): Value => graph.constant(singles([], [value]));
  const norm = (x: Value, name: string): Value =>
    op('LayerNormalization', [x, named(`${name}.weight`), named(`${name}.bias`)], {
      axis: integer(-1),
      epsilon: float(sizes.layer_norm_eps),
    });
  const dense = (x: Value, name: string): Value =>
    op('Add', [op('MatMul', [x, graph.constant(transposed(weights(`${name}.weight`)))]), named(`${name}.bias`)]);
  const embed = (table: string, at: Value): Value => op('Gather', [named(`embeddings.${table}_embeddings.weight`), at]);
  const length = op('Gather', [op('Shape', [ids]), graph.constant(tensor('int64', [], BigInt64Array.of(1n)))]);
  const zero = graph.constant(tensor('int64', [], BigInt64Array.of(0n)));
  const positions = op('Range', [zero, length, graph.constant(tensor('int64', [], BigInt64Array.of(1n)))]);
  const embedded = op('Add', [
    op('Add', [embed('word', ids), embed('token_type', types)]),
    embed('position', positions),
  ]);
  // -10000 where the mask is 0: float32[batch,1,1,sequence]
  const wide = op('Cast', [op('Unsqueeze', [mask, graph.constant(longs([1, 2]))])], { to: integer(1) });
  const bias = op('Mul', [op('Sub', [scalar(1), wide]), scalar(-10_000)]);
  const split = graph.constant(longs([0, 0, heads, width / heads]));
  const joined = graph.constant(longs([0, 0, width]));
  const toHeads = (x: Value, ...order: number[]): Value =>
    op('Transpose', [op('Reshape', [x, split])], { perm: integers(order) });

  let x = norm(embedded, 'embeddings.LayerNorm');
  for (let layer = 0; layer < sizes.num_hidden_layers; layer += 1) {
    const name = `encoder.layer.${layer}`;
    const part = (which: string): Value => dense(x, `${name}.attention.self.${which}`);
    const scores = op('MatMul', [toHeads(part('query'), 0, 2, 1, 3), toHeads(part('key'), 0, 2, 3, 1)]);
    const scaled = op('Add', [op('Div', [scores, scalar(Math.sqrt(width / heads))]), bias]);
    const shares = op('Softmax', [scaled], { axis: integer(-1) });
    const mixed = op('Transpose', [op('MatMul', [shares, toHeads(part('value'), 0, 2, 1, 3)])], {
      perm: integers([0, 2, 1, 3]),
    });
    const attended = dense(op('Reshape', [mixed, joined]), `${name}.attention.output.dense`);
    x = norm(op('Add', [attended, x]), `${name}.attention.output.LayerNorm`);
    const inner = op('Gelu', [dense(x, `${name}.intermediate.dense`)]);
    x = norm(op('Add', [dense(inner, `${name}.output.dense`), x]), `${name}.output.LayerNorm`);
  }
  if (head === undefined) graph.output('last_hidden_state', x, 'float32', ['batch', 'sequence', width]);
  else
    graph.output('logits', op('MatMul', [x, graph.constant(head)]), 'float32', [
      'batch',
      'sequence',
      head.shape[1] ?? 0,
    ]);
  return graph.toModel();
};
