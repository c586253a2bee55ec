import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createSession } from '../../src/engine/session.ts';
import { toField, toIntegerField } from '../../src/onnx/chunks.ts';
import { encodeNode } from '../../src/onnx/encode-graph.ts';
import { RUNTIME_LIMITS } from '../../src/onnx/graph-problems.ts';
import { GRAPH, MODEL, OPSET } from '../../src/onnx/schema.ts';
import { encodeValueInfo } from '../../src/onnx/tensor-proto.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runtime-limits-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Opens a graph of one node that names these versions. @throws the refusal of the runtime */
const open = async (irVersion: number, opsets: Readonly<Record<string, number>>): Promise<void> => {
  const node = { operator: 'Neg', domain: '', name: 'n', inputs: ['x'], outputs: ['y'], attributes: {} };
  const toOpset = ([domain, version]: [string, number]) =>
    toField(MODEL.opsetImport, [...toField(OPSET.domain, domain), ...toIntegerField(OPSET.version, version)]);
  const model = [
    ...toIntegerField(MODEL.irVersion, irVersion),
    ...toField(MODEL.graph, [
      ...toField(GRAPH.node, encodeNode(node)),
      ...toField(GRAPH.name, 'g'),
      ...toField(GRAPH.input, encodeValueInfo('x', 'float32', [1])),
      ...toField(GRAPH.output, encodeValueInfo('y', 'float32', [1])),
    ]),
    ...Object.entries({ '': 17, ...opsets }).flatMap(toOpset),
  ];
  const path = join(folder, 'neg.onnx');
  await writeFile(path, Buffer.concat(model));
  await (await createSession(path, 1769)).release();
};

it('the newest IR version that check allows is the newest that the runtime loads', async () => {
  await open(RUNTIME_LIMITS.irVersion, {});
  await expect(open(RUNTIME_LIMITS.irVersion + 1, {})).rejects.toThrow(/IR_VERSION|IR version/i);
});

it.each(Object.entries(RUNTIME_LIMITS.opsets))(
  'the newest opset of "%s" that check allows is the newest that the runtime loads: %i',
  async (domain, version) => {
    await open(8, { [domain]: version });
    await expect(open(8, { [domain]: version + 1 })).rejects.toThrow(/opset/i);
  },
);
