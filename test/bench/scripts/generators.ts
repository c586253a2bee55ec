/** Times the tokens of the packaged infer against those of onnxruntime-genai and transformers.js on the same files, in turn. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { measureInTurn, timeMs } from '../figures.ts';
import { script } from '../script.ts';

/** A prompt, and the request of the product for it. */
export interface GeneratorPrompt {
  readonly tokens: readonly number[];
  readonly newTokens: number;
  readonly event: APIGatewayProxyEventV2;
  /** The same with the ids of its tokens and their log-probabilities, which no rival computes: it is not timed. */
  readonly detailed: APIGatewayProxyEventV2;
  /** Requests for longer and longer parts of the prompt: an answer has half a minute, and a long prompt takes most of it. */
  readonly before: readonly APIGatewayProxyEventV2[];
  /** Names of the rivals that get it. */
  readonly rivals: readonly string[];
}

export interface GeneratorsInput {
  readonly handlerPath: string;
  /** Programs with their arguments, by name, that take a line of JSON for each prompt. */
  readonly rivals: Readonly<Record<string, readonly string[]>>;
  readonly prompts: readonly GeneratorPrompt[];
  readonly rounds: number;
}

/** Milliseconds of a token by round, for each prompt. */
export type GeneratorTimes = readonly Readonly<Record<string, number[]>>[];

interface Timed {
  readonly ms: number;
  readonly ids: readonly number[];
}
type Contender = (prompt: GeneratorPrompt) => Promise<Timed>;
type Handler = (event: APIGatewayProxyEventV2, context: unknown) => Promise<APIGatewayProxyStructuredResultV2>;

const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 600_000 };

const openProduct = async ({ handlerPath }: GeneratorsInput) => {
  const { handler } = (await import(handlerPath)) as { handler: Handler };
  const send = async (event: APIGatewayProxyEventV2): Promise<string> => {
    const { statusCode, body = '' } = await handler(event, context);
    assert.equal(statusCode, 200, body);
    return body;
  };
  const ask: Contender = async ({ event, detailed, newTokens }) => {
    let body = '';
    const ms = await timeMs(async () => {
      body = await send(event);
    });
    const [answer] = JSON.parse(body);
    const [{ generated_text, details }] = JSON.parse(await send(detailed));
    assert.equal(answer.generated_text, generated_text);
    const ids: number[] = details.tokens.map(({ id }: { id: number }) => id);
    assert.equal(ids.length, newTokens);
    return { ms: ms / newTokens, ids };
  };
  return { send, ask };
};

/** A process that answers a line with a line. */
const openRival = ([program = '', ...args]: readonly string[]) => {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask: Contender = async ({ tokens, newTokens }) => {
    child.stdin.write(`${JSON.stringify({ prompt: tokens, tokens: newTokens })}\n`);
    const { value, done } = await lines.next();
    assert(!done, `${program} ended`);
    return JSON.parse(value) as Timed;
  };
  return { ask, stop: () => child.stdin.end() };
};

script(async (input: GeneratorsInput): Promise<GeneratorTimes> => {
  const opened = Object.entries(input.rivals).map(([name, command]) => [name, openRival(command)] as const);
  const product = await openProduct(input);
  const contenders: Record<string, Contender> = { product: product.ask };
  for (const [name, { ask }] of opened) contenders[name] = ask;
  const times: Record<string, number[]>[] = [];
  for (const prompt of input.prompts) {
    let expected: readonly number[] | undefined;
    for (const event of prompt.before) await product.send(event);
    const asked = Object.entries(contenders).filter(([name]) => name === 'product' || prompt.rivals.includes(name));
    const measured = asked.map(
      ([name, ask]) =>
        [
          name,
          async () => {
            const { ms, ids } = await ask(prompt);
            expected ??= ids;
            // Graphs in other versions of the runtime may differ where two tokens are nearly as likely.
            assert.equal(ids[0], expected[0], `${name} gives another first token`);
            return ms;
          },
        ] as const,
    );
    times.push(await measureInTurn({ rounds: input.rounds }, Object.fromEntries(measured)));
  }
  for (const [, { stop }] of opened) stop();
  return times;
});
