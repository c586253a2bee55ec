/** Times generated texts of the packaged infer against bare runs of the same graph, in one process and in turn. */
import assert from 'node:assert/strict';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type * as Ort from 'onnxruntime-node';
import { measureInTurn, timeMs } from '../figures.ts';
import { openSession } from '../floors/native.ts';
import { script } from '../script.ts';

export interface GenerateInput {
  readonly handlerPath: string;
  readonly graphPath: string;
  /** The tokens that the bare loop begins with, and the request for as many of the answer. */
  readonly prompt: readonly number[];
  readonly newTokens: number;
  readonly answer: APIGatewayProxyEventV2;
  /** The same with its number of tokens, which is checked. */
  readonly detailed: APIGatewayProxyEventV2;
  /** Asks for one token after a long text, without and with what an earlier text computed. */
  readonly computed: APIGatewayProxyEventV2;
  readonly known: APIGatewayProxyEventV2;
  readonly rounds: number;
}

/** Milliseconds by round. */
export type GenerateTimes = Readonly<Record<'bare' | 'answer' | 'computed' | 'known', number[]>>;

type Handler = (event: APIGatewayProxyEventV2, context: unknown) => Promise<APIGatewayProxyStructuredResultV2>;

const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 120_000 };

const isPast = (name: string): boolean => name.startsWith('past_key_values.');

/** A loop of runs, each with the tensors that the one before gave, and the likeliest token. */
const openLoop = async ({ graphPath, prompt, newTokens }: GenerateInput) => {
  const { session, Tensor } = await openSession(graphPath);
  const pastNames = session.inputNames.filter(isPast);
  const integers = (values: readonly number[]): Ort.Tensor =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  return async (): Promise<void> => {
    let past: Record<string, Ort.Tensor> = Object.fromEntries(
      pastNames.map((name) => [name, new Tensor('float32', new Float32Array(0), [1, 3, 0, 64])]),
    );
    let next = prompt;
    for (let step = 0; step < newTokens; step += 1) {
      const mask = integers(Array.from({ length: prompt.length + step }, () => 1));
      const outputs = await session.run({ input_ids: integers(next), attention_mask: mask, ...past });
      const logits = outputs.logits?.data as Float32Array;
      const width = outputs.logits?.dims[2] ?? 0;
      let best = logits.length - width;
      for (let index = best + 1; index < logits.length; index += 1)
        if ((logits[index] ?? 0) > (logits[best] ?? 0)) best = index;
      next = [best - logits.length + width];
      past = Object.fromEntries(
        pastNames.map((name) => [name, outputs[name.replace('past_key_values', 'present')] as Ort.Tensor]),
      );
    }
  };
};

script(async (input: GenerateInput): Promise<GenerateTimes> => {
  const { handler } = (await import(input.handlerPath)) as { handler: Handler };
  const ask = async (event: APIGatewayProxyEventV2) => {
    const { statusCode, body = '' } = await handler(event, context);
    assert.equal(statusCode, 200, body);
    const [answer] = JSON.parse(body);
    return answer;
  };
  const { generated_text, details } = await ask(input.detailed);
  assert.equal(details.generated_tokens, input.newTokens);
  assert.equal((await ask(input.answer)).generated_text, generated_text);
  const loop = await openLoop(input);
  const { rounds } = input;
  const decoded = await measureInTurn(
    { rounds },
    { bare: () => timeMs(loop), answer: () => timeMs(() => ask(input.answer)) },
  );
  const first = await measureInTurn(
    { rounds },
    { computed: () => timeMs(() => ask(input.computed)), known: () => timeMs(() => ask(input.known)) },
  );
  return { ...decoded, ...first };
});
