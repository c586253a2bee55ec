import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isObject } from '../../../src/core/is-object.ts';
import { createGraph } from '../../../src/onnx/graph-builder.ts';
import { startContender } from '../contender.ts';
import { measureInTurn, toFigure, toRatio } from '../figures.ts';
import type { Results } from '../measures.ts';
import { pythonFolder } from '../peers.ts';
import { inferEvent } from '../sample.ts';
import type { Workbench } from '../workbench.ts';

const NAME = 'neg';
/** About a megabyte of JSON: `x` float32[1,100000]. */
const COUNT = 100_000;
const DIGITS = 1e6;

const dataOf = (answer: unknown): unknown => {
  const [output] = isObject(answer) && Array.isArray(answer.outputs) ? answer.outputs : [];
  return isObject(output) ? output.data : undefined;
};

/** A megabyte of floats in JSON to a graph that changes their sign, and back: infer beside MLServer, whose program `python` has. */
export const measureJsonTensors = async (workbench: Workbench, python: string, rounds: number): Promise<Results> => {
  const { directory, environment } = workbench;
  const graph = createGraph();
  const y = graph.op('Neg', [graph.input('x', 'float32', ['rows', 'columns'])]);
  graph.output('y', y, 'float32', ['rows', 'columns']);
  const graphPath = path.join(directory, `${NAME}.onnx`);
  await writeFile(graphPath, graph.toModel());
  await workbench.push(graphPath, NAME);

  const data = Array.from({ length: COUNT }, (_, index) => Math.round(3 * DIGITS * Math.sin(index)) / DIGITS);
  const event = await inferEvent(NAME, { name: 'x', shape: [1, COUNT], data });
  const files = { infer: path.join(directory, 'infer-json.json'), mlserver: path.join(directory, 'mlserver.json') };
  await writeFile(files.infer, JSON.stringify({ [NAME]: { event } }));
  await writeFile(files.mlserver, JSON.stringify({ graph: graphPath, body: event.body }));
  const scripts = path.join(directory, 'scripts');
  const contenders = {
    infer: startContender({
      args: [path.join(scripts, 'answer.mjs'), path.join(directory, 'infer/handler.mjs'), files.infer],
      cwd: directory,
      environment: environment(),
    }),
    mlserver: startContender({
      program: python,
      args: [path.join(pythonFolder, 'mlserver_neg.py'), files.mlserver],
      cwd: pythonFolder,
      environment: environment(),
    }),
  };
  const timed = (name: keyof typeof contenders) => async (): Promise<number> => {
    const { ms, answer } = await contenders[name].answer(NAME);
    // MLServer writes float32 as doubles, with all their digits.
    const values = Float32Array.from(Object(dataOf(answer)));
    assert.equal(values.length, COUNT);
    assert.ok(values.every((value, index) => value === Math.fround(-(data[index] as number))));
    return ms;
  };
  try {
    const { infer, mlserver } = await measureInTurn(
      { rounds, repeats: 3 },
      { infer: timed('infer'), mlserver: timed('mlserver') },
    );
    return {
      figures: { 'warm.v2_mlserver_ratio': toRatio(infer, mlserver) },
      times: {
        '1 MB of floats in JSON, infer': toFigure(infer),
        '1 MB of floats in JSON, MLServer': toFigure(mlserver),
      },
    };
  } finally {
    for (const contender of Object.values(contenders)) contender.stop();
  }
};
