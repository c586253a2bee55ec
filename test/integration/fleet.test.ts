import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';
import { runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';

describe('several functions of one project', () => {
  let home: string;
  let server: LocalServer;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'fleet-'));
    await mkdir(join(home, '.local'));
    // Without a function of its own, iris is not among the models of `infer`.
    const parameters = { models: 'iris,sentiment', fleet: '[{"name": "tables", "models": ["iris"], "memory": 512}]' };
    server = await startWithSamples(join(home, '.local'), { parameters });
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true });
  });

  const send = (path: string, type: string, body: string): Promise<Response> =>
    fetch(server.endpoint + path, { method: 'POST', headers: { 'content-type': type }, body });

  it('has the routes of its models lead to it, and all others to infer', () => {
    const routesOf = (name: string) =>
      server.served.filter(({ functionName }) => functionName === name).map(({ description }) => description);
    expect(routesOf('infer')).toEqual(['ANY /{proxy+}']);
    expect(routesOf('tables')).toEqual(expect.arrayContaining(['ANY /models/iris', 'ANY /v2/models/iris/{proxy+}']));
  });

  it('answers for each model in its function, and reads the same bucket', async () => {
    const flowers = await send('/models/iris', 'application/json', '{"inputs": [[5.1, 3.5, 1.4, 0.2]]}');
    expect([flowers.status, JSON.stringify(await flowers.json())]).toEqual([200, expect.stringContaining('setosa')]);
    const version = await send('/models/iris/versions/1', 'application/json', '{"inputs": [[5.1, 3.5, 1.4, 0.2]]}');
    expect(version.status).toBe(200);
    expect((await fetch(`${server.endpoint}/v2/models/iris/ready`)).status).toBe(200);
    expect((await send('/models/sentiment', 'text/plain', 'fine')).status).toBe(200);
    // The function of all other models lists only those that it serves.
    const names = await (await fetch(`${server.endpoint}/models`)).text();
    expect([names.includes('sentiment'), names.includes('iris')]).toEqual([true, false]);
  });

  it('is named by infer, for a request that names its model in the body', async () => {
    const refused = await send('/v1/embeddings', 'application/json', '{"model": "iris", "input": "a"}');
    const message =
      'model iris is served by the function tables: send the request to /models/iris, or to the base URL /models/iris/v1';
    expect([refused.status, await refused.json()]).toEqual([404, { error: expect.objectContaining({ message }) }]);
    // There, the function of the model answers: that its task has no embeddings.
    const routed = await send('/models/iris/v1/embeddings', 'application/json', '{"model": "iris", "input": "a"}');
    expect([routed.status, JSON.stringify(await routed.json())]).toEqual([
      400,
      expect.stringContaining('the model iris has the task tabular-classification'),
    ]);
  });

  it('leaves uploads and feedback that name their model in the body to infer', async () => {
    const predicted = await send('/models/iris', 'application/json', '{"inputs": [[5.1, 3.5, 1.4, 0.2]]}');
    const feedback = JSON.stringify({ id: predicted.headers.get('x-prediction-id'), label: 'setosa' });
    for (const path of ['/feedback', '/models/iris/feedback'])
      expect(await (await send(path, 'application/json', feedback)).json()).toMatchObject({ accepted: 1 });
    const announce = (model: string): Promise<Response> =>
      send('/uploads', 'application/json', JSON.stringify({ model, name: 'rows.csv', sizeBytes: 10 }));
    expect([(await announce('iris')).status, (await announce('another')).status]).toEqual([201, 404]);
  });

  it('has its models answer jobs, too', async () => {
    const asked = await fetch(`${server.endpoint}/models/iris`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', prefer: 'respond-async' } },
      body: '{"inputs": [[5.1, 3.5, 1.4, 0.2]]}',
    });
    const { id } = (await asked.json()) as { readonly id: string };
    let job: { readonly status?: string } = {};
    while (job.status === undefined || ['queued', 'running'].includes(job.status))
      job = (await (await fetch(`${server.endpoint}/jobs/${id}?wait=5`)).json()) as typeof job;
    expect([asked.status, job.status]).toEqual([202, 'succeeded']);
  });

  it('is named by a push, as the default function is', async () => {
    const push = (name: string) =>
      runCli(['push', 'models/iris/model.onnx', '--name', name, '--dry-run', '--json'], { projectDirectory: home });
    expect((await push('iris')).json.function).toBe('tables');
    expect((await push('another')).json.function).toBe('infer');
    const told = await runCli(['push', 'models/iris/model.onnx', '--name', 'iris', '--dry-run'], {
      projectDirectory: home,
    });
    expect(told.stdout).toMatch(/^ {2}function {2,}tables$/m);
    const directory = await runCli(['push', 'models/iris/model.onnx', '--store', join(home, 'store'), '--json']);
    expect(directory.json).not.toHaveProperty('function');
  });
});

it('refuses a fleet that cannot be, before anything is served', async () => {
  const fleet = '[{"name": "one", "models": ["iris"]}, {"name": "two", "models": ["iris"]}]';
  const directory = join(tmpdir(), 'fleet-that-is-refused');
  const starting = startLocalServer({ directory, port: 0, onLine: () => {}, parameters: { fleet } });
  await expect(starting).rejects.toThrow('serverless.yml: the parameter fleet: iris is in one and in two');
});
