import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import * as v from 'valibot';
import { cosine } from '../../../src/metrics/embeddings.ts';
import { type GraphDocument, readGraph, writeGraph } from '../../../src/onnx/graph-document.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { withOutputs } from '../../../src/optimise/passes/beside.ts';
import { dynamicInt8 } from '../../../src/optimise/passes/int8-dynamic.ts';
import { staticInt8 } from '../../../src/optimise/passes/int8-static.ts';
import { tensorsToCalibrate } from '../../../src/optimise/passes/static-plan.ts';

const numbers = v.array(v.number());
const schema = v.record(
  v.string(),
  v.object({ model: v.string(), shape: numbers, x: numbers, float32: numbers, dynamic: numbers, static: numbers }),
);
const text = await readFile('test/fixtures/reference/quantization.json', 'utf8');
const cases = v.parse(schema, JSON.parse(text));

/** Most that a cosine may lie below that of Python. */
const TOLERANCE = 0.002;

describe.each(Object.entries(cases))('%s in 8-bit integers', (_name, reference) => {
  const model = parseOnnxModel(Buffer.from(reference.model, 'hex'));
  const document = readGraph(model);
  const x = new ort.Tensor('float32', Float32Array.from(reference.x), reference.shape);

  const run = async (changed: GraphDocument): Promise<Readonly<Record<string, Float32Array>>> => {
    const session = await ort.InferenceSession.create(Buffer.concat([...writeGraph(model, changed)]), {
      logSeverityLevel: 4,
      intraOpNumThreads: 1,
    });
    const outputs = await session.run({ x });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data as Float32Array)]),
    );
  };

  /** Ranges by minimum and maximum. */
  const measureRanges = async () => {
    const names = tensorsToCalibrate(document.graph);
    const found = await run({ ...document, graph: withOutputs(document.graph, names) });
    return new Map(
      names.map((name) => {
        const data = found[name] ?? Float32Array.from(reference.x);
        return [name, [Math.min(...data), Math.max(...data)] as const];
      }),
    );
  };

  it.each([
    ['dynamic', async () => dynamicInt8(document, 7)],
    ['static', async () => staticInt8(document, { bits: 7, ranges: await measureRanges() })],
  ] as const)('answers as the %s graph of Python', async (kind, change) => {
    const { y = new Float32Array() } = await run(await change());
    expect(cosine(y, reference[kind])).toBeGreaterThan(1 - TOLERANCE);
    const [ours, theirs] = [cosine(y, reference.float32), cosine(reference[kind], reference.float32)];
    expect(ours).toBeGreaterThan(theirs - TOLERANCE);
  });
});
