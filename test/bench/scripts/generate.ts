/** Times generated texts of the packaged infer against bare runs of the same graph, in one process and in turn. */
import assert from 'node:assert/strict';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { measureInTurn, timeMs } from '../figures.ts';
import { openDecoder } from '../floors/decoder.ts';
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
  const generate = await openDecoder(input.graphPath);
  const loop = () => generate(input.prompt, input.newTokens);
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
