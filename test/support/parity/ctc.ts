import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NEVER } from '../../../src/core/deadline.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { createSession } from '../../../src/engine/session.ts';
import { createTask } from '../../../src/tasks/index.ts';
import { decodeFloats, FIXTURES, readJson } from '../image-parity.ts';
import { answerTolerance, formatTolerance } from '../processors/tolerances.ts';
import { createTestServing, findNamed, pushNamed, type TestServing } from '../serving.ts';
import type { ParityRow } from './parity-row.ts';

type Span = readonly [text: string, start: number, end: number];

interface Case {
  readonly file: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Of a long recording the first alone. */
  readonly words: readonly Span[];
  readonly letters?: readonly Span[];
  /** Every tenth output. */
  readonly logits?: string;
}

interface Answer {
  readonly text: string;
  readonly chunks: readonly { readonly text: string; readonly timestamp: readonly [number, number] }[];
}

const EVERY = 10;

const readRecording = async (file: string): Promise<Buffer> => readFile(join(FIXTURES, 'audio', file));

const ask = async (serving: TestServing, model: string, { file, parameters }: Case, unit: string): Promise<Answer> => {
  const query = Object.entries({ ...parameters, return_timestamps: unit });
  const search = query.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const response = await serving.fetch(`/models/${model}?${search.join('&')}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(await readRecording(file)),
  });
  if (!response.ok) throw new Error(`${model}, ${file}: ${await response.text()}`);
  return (await response.json()) as Answer;
};

const toSpans = ({ chunks }: Answer, count = chunks.length): Span[] =>
  chunks.slice(0, count).map(({ text, timestamp: [start, end] }) => [text, start, end]);

const isSame = (actual: unknown, expected: unknown): boolean => JSON.stringify(actual) === JSON.stringify(expected);

const isAnsweredAlike = async (serving: TestServing, model: string, one: Case): Promise<boolean> => {
  const words = await ask(serving, model, one, 'word');
  if (words.text !== one.text || !isSame(toSpans(words, one.words.length), one.words)) return false;
  return one.letters === undefined || isSame(toSpans(await ask(serving, model, one, 'char')), one.letters);
};

/**
 * The largest difference of the logits of whole recordings, from the files' bytes on; not of Opus, whose decoders may differ
 * (RFC 6716, 6): by 2e-5 of the full scale between the reference's and ours.
 */
const compareLogits = async (serving: TestServing, model: string, cases: readonly Case[]): Promise<number> => {
  const session = await createSession(join(findNamed(model), 'model.onnx'), 1769);
  const task = await createTask(await serving.repository.bundle(model, 1));
  const outputs: Tensors[] = [];
  const run = async (feeds: Tensors): Promise<Tensors> => {
    const output = await session.run(feeds);
    outputs.push(output);
    return output;
  };
  let worst = 0;
  for (const { file, logits } of cases) {
    const request = task.decode({ inputs: await readRecording(file), parameters: {} });
    const graphs = { model: { signature: session.signature, run } };
    await task.predict([request], { graphs, resources: undefined, maxBatch: 1, deadline: NEVER }, () => {});
    const { shape = [], data } = outputs.pop()?.logits ?? {};
    const width = shape[2] ?? 1;
    const actual = (data as Float32Array).filter((_, index) => Math.floor(index / width) % EVERY === 0);
    const expected = decodeFloats(logits as string);
    if (actual.length !== expected.length) throw new Error(`${file}: ${actual.length} logits, not ${expected.length}`);
    for (const [index, value] of expected.entries())
      worst = Math.max(worst, Math.abs(value - (actual[index] as number)));
  }
  await session.release();
  return worst;
};

/** Sends every recording to every CTC model, and compares with the transformers pipeline. */
export const measureCtc = async (): Promise<ParityRow[]> => {
  const { models } = (await readJson(join(FIXTURES, 'reference/ctc.json'))) as { models: Record<string, Case[]> };
  const serving = await createTestServing();
  const rows: ParityRow[] = [];
  for (const [model, cases] of Object.entries(models)) {
    await pushNamed(serving.repository, model);
    const others: string[] = [];
    for (const one of cases) if (!(await isAnsweredAlike(serving, model, one))) others.push(one.file);
    const worst = others.length === 0 ? 'identical' : `${others.join(', ')} differ`;
    const compared = 'texts and timestamps';
    rows.push({ model, inputs: cases.length, compared, worst, bar: 'identical' });
    const whole = cases.filter(
      ({ file, logits, parameters }) => logits && Object.keys(parameters).length === 0 && !file.endsWith('.opus'),
    );
    const difference = await compareLogits(serving, model, whole);
    rows.push({
      model,
      inputs: whole.length,
      compared: 'logits',
      worst: difference.toExponential(1),
      bar: formatTolerance(answerTolerance(`${model}/model.onnx`)),
    });
  }
  await serving.remove();
  return rows;
};
