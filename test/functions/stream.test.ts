import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { issueKey } from '../../src/access/issue-keys.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, type LogLine, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { pushNamed } from '../support/serving.ts';
import { startIssuer } from '../support/token-issuer.ts';

const PRELUDE_END = Buffer.alloc(8);
const events = await readEvents('stream');

let directory: string;
let storage: EmbeddedStorage;
let deployed: DeployedFunction;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stream-'));
  storage = await startEmbeddedStorage();
  const store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
  await pushNamed(createModelRepository(store), 'tiny-llama');
  deployed = await deployFunction('stream', storage, directory, { API_AUTH: 'none' });
});
afterAll(async () => {
  await deployed.stop();
  await storage.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The head and the body of an answer, which the URL of a function passes on. */
const ask = async (event: unknown, asked = deployed) => {
  const answer = await asked.invokeStreaming(event);
  if (answer.kind !== 'stream') throw new Error(`the function returned ${answer.payload}`);
  const bytes = await buffer(answer.body);
  const end = bytes.indexOf(PRELUDE_END);
  const head: { statusCode: number; headers: Record<string, string> } = JSON.parse(bytes.toString('utf8', 0, end));
  return { contentType: answer.contentType, head, body: bytes.toString('utf8', end + PRELUDE_END.length) };
};

const withBody = (fields: Readonly<Record<string, unknown>>): unknown => {
  const event = events.get('stream.json') as { body: string };
  return { ...event, body: JSON.stringify({ ...JSON.parse(event.body), ...fields }) };
};

it('the function stream with auth=jwt answers the holders of tokens, and no holder of a key', async () => {
  const issuer = await startIssuer();
  const settings = { API_AUTH: 'jwt', JWT_ISSUER: issuer.issuer, JWT_AUDIENCE: 'models', JWT_SCOPE_PREFIX: 'onnx/' };
  const locked = await deployFunction('stream', storage, directory, settings);
  const store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
  const { text } = await issueKey(store, { holder: 'alice', scopes: ['predict'], by: 'a test', now: new Date() });
  const event = events.get('stream.json') as { headers: Record<string, string> };
  const status = async (credential: string | undefined): Promise<number> => {
    const authorization = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
    return (await ask({ ...event, headers: { ...event.headers, ...authorization } }, locked)).head.statusCode;
  };
  try {
    expect(await status(await issuer.sign({ scope: 'onnx/predict' }))).toBe(200);
    expect(await status(await issuer.sign({ scope: null, scp: ['onnx/predict:tiny-llama'] }))).toBe(200);
    for (const scope of ['predict', 'other/predict', 'onnx/jobs'])
      expect({ scope, status: await status(await issuer.sign({ scope })) }).toEqual({ scope, status: 403 });
    for (const refused of [undefined, text, 'x', await issuer.sign({ scope: 'onnx/predict' }, 'stranger')])
      expect(await status(refused)).toBe(401);
  } finally {
    await locked.stop();
    await issuer.stop();
  }
});

describe('the function stream', () => {
  it.each([...events.keys()])('answers %s in events', async (name) => {
    const { contentType, head, body } = await ask(events.get(name));
    expect(contentType).toBe('application/vnd.awslambda.http-integration-response');
    expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/event-stream' } });
    expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(body.split('\n\n').length).toBeGreaterThanOrEqual(4); // some tokens are parts of a character
  });

  it('answers in one piece when nobody asks for events', async () => {
    const { head, body } = await ask(withBody({ stream: false }));
    expect(head.statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ usage: { completion_tokens: 8 } });
  });

  it('publishes the tokens of an answer, their pace, and the time to the first', async () => {
    const hasTokens = (line: LogLine) => 'AnswerTokens' in line;
    const before = deployed.lines.filter(hasTokens).length;
    const { body } = await ask(withBody({ stream_options: { include_usage: true } }));
    const usage = JSON.parse(body.split('\n\n').at(-3)?.replace('data: ', '') ?? '').usage;
    const metrics = (await deployed.untilLogged(hasTokens, before + 1)).at(-1);
    expect(metrics).toMatchObject({ PromptTokens: usage.prompt_tokens, AnswerTokens: 8 });
    const { TokensPerSecond, FirstChunkTime, TotalTime } = metrics as Record<string, number>;
    expect(TokensPerSecond).toBeGreaterThan(0);
    expect(FirstChunkTime).toBeGreaterThan(0);
    expect(FirstChunkTime).toBeLessThanOrEqual(TotalTime ?? 0);
  });

  it('refuses in the form of OpenAI, and names its metrics in one line each', async () => {
    const { head, body } = await ask(withBody({ temperature: -1 }));
    expect(head.statusCode).toBe(400);
    expect(JSON.parse(body).error.message).toContain('temperature');
    for (const name of ['Requests', 'ClientFaults', 'FirstChunkTime'])
      expect(await deployed.untilLogged((line) => name in line)).not.toEqual([]);
  });
});
