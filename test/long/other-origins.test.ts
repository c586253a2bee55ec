import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { type Listening, listenLocally } from '../../local/listen-locally.ts';
import type { LocalServer } from '../../local/local-server.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { findChromium, openPage, startChromium } from '../support/chromium.ts';
import { runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';
import { createTestS3Client } from '../support/s3.ts';
import { pushNamed } from '../support/serving.ts';

const [, EXAMPLE = ''] = /```html\n([\s\S]*?)```/.exec(await readFile('docs/clients.md', 'utf8')) ?? [];
const [, EXPECTED = ''] = /<!-- ([^>]*) -->\n$/.exec(EXAMPLE) ?? [];

const executable = findChromium();

(executable === undefined ? describe.skip : describe)('pages of other origins', () => {
  let directory: string;
  let open: LocalServer;
  let locked: LocalServer;
  let allowed: Listening;
  let stranger: Listening;
  let browser: Browser;
  let page: Page;

  /** A site with the page of docs/clients.md. */
  const startSite = (): Promise<Listening> => {
    const server = createServer(({ url }, response) => {
      response.writeHead(url === '/' ? 200 : 404, { 'content-type': 'text/html' });
      response.end(EXAMPLE.replaceAll('http://127.0.0.1:3000', open.endpoint));
    });
    return listenLocally(server, 0);
  };
  const startServer = (name: string, parameters: Readonly<Record<string, string>>): Promise<LocalServer> =>
    startWithSamples(join(directory, name, '.local'), { parameters });

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'other-origins-'));
    allowed = await startSite();
    stranger = await startSite();
    const cors = { cors: 'on', corsOrigins: `https://example.org,${allowed.endpoint}` };
    open = await startServer('open', cors);
    locked = await startServer('locked', { ...cors, auth: 'key' });
    const store = createS3UploadStore(createTestS3Client(open.s3Endpoint), open.modelsBucket);
    await pushNamed(createModelRepository(store), 'tiny-gpt2');
    browser = await startChromium(executable ?? '');
    page = await openPage(browser);
  });
  afterAll(async () => {
    await browser?.close();
    for (const each of [open, locked, allowed, stranger]) await each?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** What the page of a site gets to read: the answer, or the reason of the browser. */
  const fetchFrom = async (site: Listening, url: string, init: unknown = {}): Promise<unknown> => {
    await page.goto(site.endpoint);
    return page.evaluate(
      `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(
        async (response) => ({ status: response.status, version: response.headers.get('x-model-version'), text: await response.text() }),
        ({ name }) => name,
      )`,
    );
  };
  const post = { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer none' } };
  const sentence = { ...post, body: '{"inputs": "I love this phone."}' };

  it('answer with the example of docs/clients.md where their origin is allowed', async () => {
    await page.goto(allowed.endpoint);
    await page.waitForFunction('document.getElementById("answer").textContent !== "…"');
    expect(EXPECTED).not.toBe('');
    expect(await page.textContent('#answer')).toBe(EXPECTED);
  });

  it('send what asks for a preflight request, and read the exposed headers, and errors', async () => {
    expect(await fetchFrom(allowed, `${open.endpoint}/models/sentiment`, sentence)).toEqual({
      ...{ status: 200, version: '1' },
      text: expect.stringContaining('POSITIVE'),
    });
    expect(await fetchFrom(allowed, `${open.endpoint}/models/none`, sentence)).toMatchObject({ status: 404 });
    expect(await fetchFrom(allowed, `${open.endpoint}/jobs/none`, { method: 'DELETE' })).toMatchObject({ status: 404 });
  });

  it('read a stream of the URL of a function', async () => {
    const body = '{"inputs": "Once upon a time", "parameters": {"max_new_tokens": 3}}';
    const headers = { ...post.headers, accept: 'text/event-stream' };
    const url = `${open.functionUrls.stream}/models/tiny-gpt2`;
    const answer = { status: 200, version: '1', text: expect.stringMatching(/^data:/) };
    expect(await fetchFrom(allowed, url, { ...post, headers, body })).toEqual(answer);
    expect(await fetchFrom(stranger, url, { ...post, headers, body })).toBe('TypeError');
  });

  it('read nothing where another origin is allowed, nor of S3 without a URL that is signed for them', async () => {
    expect(await fetchFrom(stranger, `${open.endpoint}/models/sentiment`, sentence)).toBe('TypeError');
    expect(await fetchFrom(stranger, `${open.endpoint}/models`)).toBe('TypeError');
    for (const path of ['/', '/data', '/models', '/data?X-Amz-Signature=0'])
      expect([path, await fetchFrom(allowed, `${open.s3Endpoint}${path}`)]).not.toEqual([
        path,
        expect.objectContaining({ status: 200 }),
      ]);
  });

  it('send what exceeds a request to the URL of POST /uploads, and ask about it', async () => {
    const csv = '5.1,3.5,1.4,0.2\n';
    const sha256 = createHash('sha256').update(csv).digest('hex');
    const file = { model: 'iris', name: 'rows.csv', sizeBytes: csv.length, contentType: 'text/csv', sha256 };
    const uploadFrom = (site: Listening): Promise<unknown> =>
      fetchFrom(site, `${open.endpoint}/uploads`, { ...post, body: JSON.stringify(file) });
    expect(await uploadFrom(stranger)).toBe('TypeError');
    const { text } = (await uploadFrom(allowed)) as { readonly text: string };
    const { url, headers, s3 } = JSON.parse(text);
    expect(new URL(url).origin).toBe(open.s3Endpoint);
    const put = { method: 'PUT', headers, body: csv };
    expect(await fetchFrom(stranger, url, put)).toBe('TypeError');
    expect(await fetchFrom(allowed, url, { ...put, headers: { ...headers, 'x-other': '1' } })).toBe('TypeError');
    expect(await fetchFrom(allowed, url, { ...put, method: 'DELETE' })).toBe('TypeError');
    expect(await fetchFrom(allowed, url, { ...put, body: '6' })).toMatchObject({ status: 403 });
    expect(await fetchFrom(allowed, url, put)).toMatchObject({ status: 200 });
    const question = { ...post, body: JSON.stringify({ inputs: { s3 } }) };
    const answer = { status: 200, text: expect.stringContaining('setosa') };
    expect(await fetchFrom(allowed, `${open.endpoint}/models/iris`, question)).toMatchObject(answer);
  });

  it('read an answer that was written to the bucket', async () => {
    const output = { s3: 'outputs/iris/answer.json' };
    const question = { ...post, body: JSON.stringify({ inputs: [[5.1, 3.5, 1.4, 0.2]], output }) };
    const { status, text } = (await fetchFrom(allowed, `${open.endpoint}/models/iris`, question)) as {
      readonly status: number;
      readonly text: string;
    };
    expect(status).toBe(201);
    const { url } = JSON.parse(text).output;
    expect(await fetchFrom(allowed, url)).toMatchObject({ status: 200, text: expect.stringContaining('setosa') });
    expect(await fetchFrom(stranger, url)).toBe('TypeError');
  });

  it('may not send a method or a header that the setting does not name', async () => {
    expect(await fetchFrom(allowed, `${open.endpoint}/models`, { method: 'PUT' })).toBe('TypeError');
    expect(await fetchFrom(allowed, `${open.endpoint}/models`, { headers: { 'x-other': '1' } })).toBe('TypeError');
  });

  it('are let in by a key of their user, which no preflight request has', async () => {
    const created = await runCli(['key', 'create', 'page', '--json'], { projectDirectory: join(directory, 'locked') });
    const headers = { authorization: `Bearer ${created.json.key}` };
    const url = `${locked.endpoint}/v2/health/live`;
    // Running functions know a new key within a second.
    while ((await fetch(url, { headers })).status !== 200) await new Promise((wake) => setTimeout(wake, 50));
    expect(await fetchFrom(allowed, url, { headers })).toMatchObject({ status: 200 });
    expect(await fetchFrom(allowed, url)).toMatchObject({ status: 401 });
    expect(await fetchFrom(stranger, url, { headers })).toBe('TypeError');
  });
});
