import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from '@jest/globals';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';
import { applicationOptions } from '../../src/lambda/access.ts';
import { addUpSpending } from '../../src/monitoring/spending/add-up-spending.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { runCli } from '../support/command-line.ts';
import { createTestS3Client } from '../support/s3.ts';
import { createTestServing } from '../support/serving.ts';

const PARTS = ['serverless.yml', 'functions', 'src', 'package.json', 'node_modules'];
const ROW = JSON.stringify({ inputs: [[5.1, 3.5, 1.4, 0.2]] });

/** Every kind of `auth`, and whether its callers are refused. */
const REFUSED = { aws_iam: false, none: true, jwt: true, key: true, key_or_jwt: true } as const;

const withServer = async (
  parameters: Readonly<Record<string, string>>,
  run: (server: LocalServer, project: string) => Promise<void>,
): Promise<void> => {
  const project = await mkdtemp(join(tmpdir(), 'spending-'));
  for (const part of PARTS) await symlink(resolve(part), join(project, part));
  const directory = join(project, '.local');
  const server = await startLocalServer({
    project,
    directory,
    port: 0,
    parameters,
    atOnce: ['infer'],
    onLine: () => undefined,
  });
  try {
    expect((await runCli(['push', resolve('models/iris')], { projectDirectory: project })).exitCode).toBe(0);
    await run(server, project);
  } finally {
    await server.stop();
    await rm(project, { recursive: true });
  }
};

/** Adds up, as the function `monitor` does every five minutes, once the functions have written their figures. Returns the dollars. */
const addUp = async ({ s3Endpoint, dataBucket, modelsBucket }: LocalServer): Promise<number> => {
  const client = createTestS3Client(s3Endpoint);
  const [data, models] = [dataBucket, modelsBucket].map((bucket) => createS3UploadStore(client, bucket));
  if (!data || !models) throw new Error('two buckets are needed');
  let dollars = 0;
  while (dollars === 0)
    await addUpSpending({
      ...{ repository: createModelRepository(models), data, nowMs: Date.now, maxMonthlyDollars: 1 },
      telemetry: {
        decided: async () => {},
        judged: () => {},
        scored: () => {},
        warned: () => {},
        spent: async (report) => {
          dollars = report.dollars;
        },
      },
    });
  return dollars;
};

const predict = (endpoint: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${endpoint}/models/iris`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: ROW,
  });

/** The first answer with 429: a function reads every second here what is spent. */
const refused = async (send: () => Promise<Response>): Promise<Response> => {
  for (;;) {
    const response = await send();
    if (response.status === 429) return response;
    await response.arrayBuffer();
    await new Promise((wake) => setTimeout(wake, 100));
  }
};

const expectRefusal = async (response: Response): Promise<void> => {
  const seconds = Number(response.headers.get('retry-after'));
  const now = new Date();
  const nextMonthMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
  expect(Math.abs(seconds - (nextMonthMs - Date.now()) / 1000)).toBeLessThan(60);
  expect(await response.json()).toEqual({
    error: expect.stringMatching(/^the spending limit of this month is reached; try again in \d+ s/),
    code: 'TOO_MANY_REQUESTS',
    requestId: expect.any(String),
  });
};

it('npm start with auth=none refuses requests once the month has cost its limit, and answers the health', async () => {
  await withServer({ auth: 'none', maxMonthlyDollars: '0.0000001' }, async (server) => {
    expect((await predict(server.endpoint)).status).toBe(200);
    expect(await addUp(server)).toBeGreaterThan(0.0000001);
    await expectRefusal(await refused(() => predict(server.endpoint)));
    await expectRefusal(await predict(server.endpoint, { prefer: 'respond-async' }));
    await expectRefusal(await refused(() => predict(String(server.functionUrls.stream))));
    expect((await fetch(`${server.endpoint}/v2/health/live`)).status).toBe(200);
  });
});

it('npm start counts requests that reach no model, too', async () => {
  await withServer({ auth: 'none', maxMonthlyDollars: '0.0000001' }, async (server) => {
    expect((await fetch(`${server.endpoint}/models/nothing`, { method: 'POST', body: ROW })).status).toBe(404);
    expect(await addUp(server)).toBeGreaterThan(0);
    await expectRefusal(await refused(() => predict(server.endpoint)));
  });
});

it('npm start with auth=key refuses the holders of keys, too', async () => {
  await withServer({ auth: 'key', maxMonthlyDollars: '0.0000001' }, async (server, project) => {
    const { json } = await runCli(['key', 'create', 'alice', '--json'], { projectDirectory: project });
    const headers = { authorization: `Bearer ${json.key}` };
    while ((await predict(server.endpoint, headers)).status !== 200) await new Promise((wake) => setTimeout(wake, 50));
    await addUp(server);
    await expectRefusal(await refused(() => predict(server.endpoint, headers)));
  });
});

it('the callers of every stage are refused but those of aws_iam, who are principals of the account', async () => {
  const serving = await createTestServing();
  const settings = { maxMonthlyDollars: 1, routingTtlMs: 30_000 };
  for (const [auth, isRefused] of Object.entries(REFUSED) as [keyof typeof REFUSED, boolean][]) {
    const { spending } = applicationOptions(auth, serving, settings);
    expect({ auth, isRefused: spending !== undefined }).toEqual({ auth, isRefused });
    expect(applicationOptions(auth, serving, { ...settings, maxMonthlyDollars: 0 }).spending).toBeUndefined();
  }
  await serving.remove();
});
