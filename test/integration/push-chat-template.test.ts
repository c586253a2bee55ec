import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import { runCli } from '../support/command-line.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';

const MODEL = 'test/fixtures/models/tiny-llama';
let root: string;
let serving: TestServing;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'chat-template-'));
  serving = await createTestServing({ models: createDirectoryStore(join(root, 'store')) });
});
afterAll(async () => {
  await serving.remove();
  await rm(root, { recursive: true });
});

const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(root, name), text);
  return join(root, name);
};
const push = (file: string, path = MODEL) =>
  runCli([
    'push',
    path,
    '--name',
    path === MODEL ? 'chat' : 'other',
    '--promote',
    '--chat-template',
    file,
    '--store',
    join(root, 'store'),
  ]);
const promptTokens = async (): Promise<[number, number]> => {
  const messages = [{ role: 'user', content: 'Hi' }];
  const body = JSON.stringify({ model: 'chat', messages, max_tokens: 1 });
  const response = await serving.fetch('/v1/chat/completions', { method: 'POST', body });
  return [response.status, ((await response.json()) as { usage: { prompt_tokens: number } }).usage.prompt_tokens];
};

describe('push --chat-template', () => {
  it('gives a model without a template one, and another one to its next version', async () => {
    expect(await push('test/fixtures/chat-templates/chatml.jinja')).toMatchObject({ exitCode: 0, stderr: '' });
    const [status, longer] = await promptTokens();
    expect(status).toBe(200);
    expect(await push(await write('brief.jinja', '{{ messages[0].content }}'))).toMatchObject({ exitCode: 0 });
    serving.clock.nowMs += 60_000; // the routing is asked for again
    await promptTokens();
    await serving.idle();
    expect((await promptTokens())[1]).toBeLessThan(longer);
  });

  it.each([
    ['a file that is not there', 'nothing.jinja', MODEL, 'there is no chat template'],
    ['a folder', 'test', MODEL, 'there is no chat template'],
    ['a model of another task', 'README.md', 'models/iris', 'has the task tabular-classification'],
  ])('refuses %s', async (_what, file, path, message) => {
    const { exitCode, stderr } = await push(file, path);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it.each([
    ['an empty file', ' \n', 'is empty'],
    ['what is no template', '{% for %}', 'the chat template cannot be read'],
    [
      'a template without an end',
      '{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}',
      'longer',
    ],
  ])('refuses %s', async (_what, text, message) => {
    const { exitCode, stderr } = await push(await write('wrong.jinja', text));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});
