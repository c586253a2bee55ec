/** Times warm requests to the packaged infer against what they cannot do without, in one process and in turn. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { measureInTurn, timeMs } from '../figures.ts';
import { openClassifier } from '../floors/classifier.ts';
import { openSession } from '../floors/native.ts';
import { assertSameLabels, toLabels } from '../labels.ts';
import { script } from '../script.ts';

/** A request, and the graph that answers it. */
interface Case {
  readonly event: APIGatewayProxyEventV2;
  readonly graphPath: string;
}

export interface WarmInput {
  readonly handlerPath: string;
  readonly photoPath: string;
  readonly id2label: Readonly<Record<string, string>>;
  readonly image: Case;
  readonly json: Case;
  readonly binary: Case;
  readonly table: Case;
  /** The table's request to the same model, whose predictions are captured. */
  readonly captured: APIGatewayProxyEventV2;
  readonly rounds: number;
}

/** Milliseconds by round. */
export type WarmTimes = Readonly<
  Record<'image' | 'json' | 'binary' | 'table' | 'captured', Record<'floor' | 'infer', number[]>>
>;

type Handler = (event: APIGatewayProxyEventV2, context: unknown) => Promise<APIGatewayProxyStructuredResultV2>;

const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 29_000 };

const answerOf = async (handler: Handler, event: APIGatewayProxyEventV2) => {
  const { statusCode, body = '' } = await handler(event, context);
  assert.equal(statusCode, 200, body);
  return JSON.parse(body);
};

const openImageFloor = async (handler: Handler, { image, photoPath, id2label }: WarmInput) => {
  const photo = readFileSync(photoPath);
  const classify = await openClassifier(image.graphPath);
  const floor = () => classify([photo]);
  assertSameLabels(await answerOf(handler, image.event), toLabels(await floor(), id2label));
  return floor;
};

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const inputsOf = ({ body = '' }: APIGatewayProxyEventV2) => (JSON.parse(body) as { inputs: [Tensor] }).inputs;

const openJsonFloor = async (handler: Handler, { json }: WarmInput) => {
  const { run } = await openSession(json.graphPath);
  const floor = () => {
    const [{ shape, data }] = inputsOf(json.event);
    return run(new Float32Array(data), shape);
  };
  const { outputs } = await answerOf(handler, json.event);
  assert.deepEqual(Float32Array.from(outputs[0].data), await floor());
  return floor;
};

const openBinaryFloor = async (handler: Handler, { binary }: WarmInput) => {
  const { run } = await openSession(binary.graphPath);
  const floor = () => {
    const bytes = Uint8Array.from(Buffer.from(binary.event.body ?? '', 'base64'));
    return run(new Float32Array(bytes.buffer), [1, 3, 224, 224]);
  };
  const { statusCode, headers, body = '' } = await handler(binary.event, context);
  assert.equal(statusCode, 200, body);
  const answer = Buffer.from(body, 'base64').subarray(Number(headers?.['inference-header-content-length']));
  assert.deepEqual(new Float32Array(Uint8Array.from(answer).buffer), await floor());
  return floor;
};

const openTableFloor = async (handler: Handler, { table }: WarmInput) => {
  const { session, Tensor } = await openSession(table.graphPath);
  const { inputs } = JSON.parse(table.event.body ?? '') as { inputs: [readonly number[]] };
  const feeds = {
    [session.inputNames[0] ?? '']: new Tensor('float32', Float32Array.from(inputs[0]), [1, inputs[0].length]),
  };
  const [labels] = await answerOf(handler, table.event);
  const { probabilities } = await session.run(feeds);
  const expected = Float32Array.from((probabilities?.data ?? []) as Float32Array)
    .toSorted()
    .toReversed();
  assert.deepEqual(
    Float32Array.from(labels, ({ score }: { score: number }) => score),
    expected,
  );
  return () => session.run(feeds);
};

script(async (input: WarmInput): Promise<WarmTimes> => {
  const { handler } = (await import(input.handlerPath)) as { handler: Handler };
  /** The time until an answer, or of a floor. Nothing else is timed before the work behind an answer has ended. */
  const timeAlone = async (work: () => Promise<unknown>): Promise<number> => {
    const ms = await timeMs(work);
    await wait(3);
    return ms;
  };
  const measure = (repeats: number, { event }: Pick<Case, 'event'>, floor: () => Promise<unknown>) =>
    measureInTurn(
      { rounds: input.rounds, repeats },
      { floor: () => timeAlone(floor), infer: () => timeAlone(() => handler(event, context)) },
    );
  return {
    captured: await measure(250, { event: input.captured }, () => handler(input.table.event, context)),
    image: await measure(8, input.image, await openImageFloor(handler, input)),
    json: await measure(5, input.json, await openJsonFloor(handler, input)),
    binary: await measure(5, input.binary, await openBinaryFloor(handler, input)),
    table: await measure(200, input.table, await openTableFloor(handler, input)),
  };
});
