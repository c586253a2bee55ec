import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Identity } from '../../src/access/scope.ts';
import { deadlineAt } from '../../src/core/deadline.ts';
import { createApplication } from '../../src/http/application.ts';
import { authoriseByScopes } from '../../src/http/authorise.ts';
import { toFetch } from '../../src/http/fetch.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing({}, { references: 'all' });
  for (const name of ['iris', 'tabular-ridge']) await pushNamed(serving.repository, name);
  for (const name of ['iris', 'tabular-ridge'])
    await serving.data.write(`uploads/${name}/row.csv`, '5.1,3.5,1.4,0.2\n', {});
});
afterAll(() => serving.remove());

const send = async (scopes: readonly string[] | undefined, path: string, body?: string, accept = '*/*') => {
  const identity: Identity | undefined = scopes && { holder: 'alice', scopes };
  const application = toFetch(createApplication(serving, { authorise: authoriseByScopes }));
  const headers = { 'content-type': 'application/json', accept };
  const init = body === undefined ? {} : { method: 'POST', headers, body };
  const context = { requestId: 'request', deadline: deadlineAt(Date.now() + 60_000), identity };
  const response = await application(new Request(`http://test${path}`, init), context);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
};

const ROW = JSON.stringify({ inputs: [[5.1, 3.5, 1.4, 0.2]] });
const refer = (model: string): string => JSON.stringify({ inputs: { s3: `uploads/${model}/row.csv` } });

describe('a caller who is not identified', () => {
  it.each(['/models', '/v2', '/v2/health/live', '/v2/models/iris'])('is refused at %s', async (path) => {
    const { status, headers, body: error } = await send(undefined, path);
    expect({ status, code: error.code }).toEqual({ status: 401, code: 'UNAUTHORIZED' });
    expect(headers.get('www-authenticate')).toBe('Bearer');
  });
});

describe('a caller with scopes', () => {
  it.each([
    ['predict', '/models/iris', ROW, 200],
    ['predict:iris', '/models/iris', ROW, 200],
    ['predict:iris', '/models/iris/versions/1', ROW, 200],
    ['predict:iris', '/models/tabular-ridge', ROW, 403],
    ['predict:iris', '/models/iri%73', ROW, 200],
    ['predict:iris', '/models/iris%2F..%2Ftabular-ridge', ROW, 403],
    ['predict:iris', '/v2/models/tabular-ridge', undefined, 403],
    ['predict:iris', '/v2/models/iris', undefined, 200],
    ['predict:iris', '/models', undefined, 403],
    ['predict', '/models', undefined, 200],
    ['predict:iris', '/v2/repository/index', '{}', 403],
    ['predict:iris', '/v2/health/live', undefined, 200],
    ['feedback jobs admin', '/models/iris', ROW, 403],
    ['', '/models/iris', ROW, 403],
    ['predict:', '/models/iris', ROW, 403],
    ['predict:constructor', '/models/iris', ROW, 403],
  ])('%j gets %s', async (scopes, path, body, status) => {
    const answer = await send(scopes.split(' '), path, body);
    expect({ status: answer.status, code: answer.body.code }).toEqual({
      status,
      code: status === 403 ? 'FORBIDDEN' : undefined,
    });
  });

  it('is refused before anything is read of a model that does not exist', async () => {
    expect((await send(['predict:iris'], '/models/secret', ROW)).status).toBe(403);
    expect((await send(['predict'], '/models/secret', ROW)).status).toBe(404);
  });

  it('is refused as a stream, too', async () => {
    const { status } = await send(['predict:iris'], '/models/tabular-ridge', ROW, 'text/event-stream');
    expect(status).toBe(403);
  });

  it.each([
    ['predict:iris', 'iris', 200],
    ['predict:iris', 'tabular-ridge', 403],
    ['predict', 'tabular-ridge', 200],
    ['predict:iris predict:tabular-ridge', 'tabular-ridge', 200],
  ])('%j may refer to an upload for %s: %i', async (scopes, model, status) => {
    expect((await send(scopes.split(' '), '/models/iris', refer(model))).status).toBe(status);
  });
});
