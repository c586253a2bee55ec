import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toOpenAiError } from '../../src/protocol/openai/error.ts';
import { pushChatModel } from '../support/chat-model.ts';
import { findChromium } from '../support/chromium.ts';
import { runCli } from '../support/command-line.ts';
import { startFaultyProxy } from '../support/faulty-proxy.ts';
import { pushNamed } from '../support/serving.ts';
import { startPage, type TriedPage } from '../support/tried-page.ts';

const executable = findChromium();

(executable === undefined ? describe.skip : describe)('the page, for models that write text', () => {
  let tried: TriedPage;
  beforeAll(async () => {
    tried = await startPage(executable ?? '');
    await pushChatModel(tried.repository, 'chat');
    await pushNamed(tried.repository, 'tiny-gpt2');
  });
  afterAll(() => tried?.stop());

  const set = async (fields: Readonly<Record<string, string>>): Promise<void> => {
    await tried.page.click('summary:has-text("Sampling")');
    for (const [name, value] of Object.entries(fields)) await tried.page.fill(`[name=${name}]`, value);
  };
  const turns = (): Promise<string[]> => tried.page.locator('#turns .written').allInnerTexts();
  const alert = async (): Promise<string> => (await tried.page.textContent('#model [role=alert]')) ?? '';
  /** Sends a message, and waits for the end of its answer. */
  const say = async (message: string): Promise<void> => {
    await tried.page.fill('#input', message);
    await tried.page.keyboard.press('Enter');
    await tried.page.waitForSelector('#turns[aria-busy=false]', { state: 'attached' });
  };
  const streams = (): string => `${tried.server.functionUrls.stream}/v1/chat/completions`;

  it('holds a conversation, and streams each answer from the URL of streams', async () => {
    const { page } = tried;
    await tried.choose('chat');
    const requests: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/completions')) requests.push(request.url());
    });
    await page.fill('#system', 'Be brief.');
    await set({ max_tokens: '6', temperature: '0', top_k: '5', stop: '["zzzz"]' });
    await say('Hello there');
    await say('And then?');
    const [first, answer, second] = await turns();
    expect([first, second]).toEqual(['Hello there', 'And then?']);
    expect(answer).not.toBe('');
    const notes = await page.locator('#turns .quiet').allInnerTexts();
    const form =
      /^\d+ tokens in( \(\d+ cached\))?, 6 out · first token after [\d.]+ m?s · \d+ tokens\/s · ended by the limit/;
    expect(notes.filter(Boolean)).toEqual([expect.stringMatching(form), expect.stringMatching(form)]);
    expect(requests).toEqual([streams(), streams()]);
    expect(await page.getAttribute('#answer .timing', 'aria-label')).toMatch(/first token .*, other tokens /);
    const snippet = async (language: string): Promise<string> => {
      await page.click(`[role=tab]:text("${language}")`);
      return (await page.textContent('#snippet')) ?? '';
    };
    expect(await snippet('curl')).toContain(`curl -N '${streams()}'`);
    expect(await snippet('curl')).toContain('{"role":"system","content":"Be brief."}');
    expect(await snippet('Python')).toContain('extra_body={"top_k": 5}');
    expect(await snippet('TypeScript')).toContain('...{"top_k":5}');
    expect(await tried.problemsOfAxe()).toEqual([]);
    await page.click('text=New conversation');
    expect(await turns()).toEqual([]);
  });

  /** Does something while an answer streams, of which no more than a half ever comes. */
  const midAnswer = async (send: () => Promise<void>, act: () => Promise<void>): Promise<void> => {
    const { stream = '' } = tried.server.functionUrls;
    const proxy = await startFaultyProxy(stream);
    proxy.rules = [{ method: 'POST', fault: 'stall in the middle' }];
    await tried.page.route(`${stream}/**`, (route) =>
      route.continue({ url: route.request().url().replace(stream, proxy.endpoint) }),
    );
    try {
      await send();
      await tried.page.locator('.written').last().filter({ hasText: /.{4}/s }).waitFor();
      await act();
    } finally {
      await tried.page.unroute(`${stream}/**`);
      proxy.stop();
    }
  };

  it.each(['chat', 'tiny-gpt2'])('is typed into, and stopped, by keyboard: %s', async (model) => {
    const { page } = tried;
    await tried.choose(model);
    await page.fill('#input', '');
    await page.focus('#input');
    await page.keyboard.type('Hello there');
    expect(await page.inputValue('#input')).toBe('Hello there');
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.className');
    const send = async (): Promise<void> => {
      for (let presses = 0; presses < 20 && (await focused()) !== 'main'; presses += 1)
        await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
    };
    await midAnswer(send, async () => {
      await page.keyboard.press('Escape');
      await page.waitForSelector('#answer .timing');
      expect(await page.locator('.written + .quiet').last().textContent()).toContain('stopped');
    });
  });

  it('stops an answer, which stays as the part that came', async () => {
    const { page } = tried;
    await tried.choose('chat');
    await page.fill('#input', 'Hello there');
    await midAnswer(
      () => page.click('text=Send'),
      async () => {
        expect(await tried.problemsOfAxe()).toEqual([]);
        await page.click('button:text("Stop")');
        await page.waitForSelector('#turns[aria-busy=false]', { state: 'attached' });
      },
    );
    expect(await page.locator('#turns .assistant .quiet').textContent()).toMatch(/^first token after .* · stopped$/);
    expect(await alert()).toBe('');
    await set({ max_tokens: '2' });
    await say('Go on');
    expect(await turns()).toHaveLength(4);
  });

  it('shows a refusal as it is, and gives the message back', async () => {
    await tried.choose('chat');
    await tried.page.click('text=Send');
    expect(await alert()).toBe('Write a message first.');
    await set({ stop: 'x'.repeat(1_001) });
    await say('Hello there');
    expect(await alert()).toMatch(/^Refused with status 400: .*stop/);
    expect(await turns()).toEqual([]);
    expect(await tried.page.inputValue('#input')).toBe('Hello there');
    await tried.page.fill('[name=stop]', 'null');
    await tried.page.fill('[name=max_tokens]', '2');
    await say('Hello there');
    expect(await alert()).toBe('');
    expect(await tried.page.textContent('#snippet')).toContain('"stop":"null"');
  });

  it('shows an error in the middle of an answer below what came', async () => {
    const { page } = tried;
    await tried.choose('chat');
    await set({ max_tokens: '8' });
    const last = JSON.stringify(toOpenAiError('INFERENCE_FAILED', 'the model failed'));
    for (const [end, message] of [
      [`data: ${last}\n\n`, 'The answer broke off: the model failed'],
      ['', 'The answer broke off: the stream ended before the answer did'],
    ]) {
      await page.route(streams(), async (route) => {
        if (route.request().method() !== 'POST') return route.continue();
        const response = await route.fetch();
        const events = (await response.text()).split('\n\n').slice(0, 4);
        await route.fulfill({ response, body: `${events.join('\n\n')}\n\n${end}` });
      });
      await say('Hello there');
      expect(await alert()).toBe(message);
      await page.unroute(streams());
    }
    expect(await turns()).toHaveLength(4);
    expect((await turns())[1]).not.toBe('');
    expect(await tried.problemsOfAxe()).toEqual([]);
  });

  it('answers in one piece where it cannot reach the URL of streams', async () => {
    const { page } = tried;
    const everything = `${tried.server.functionUrls.stream}/**`;
    await page.route(everything, (route) => route.abort());
    await tried.choose('chat');
    await set({ max_tokens: '3' });
    await say('Hello there');
    await page.unroute(everything);
    expect(await turns()).toHaveLength(2);
    expect(await page.locator('#turns .assistant .quiet').textContent()).toContain('in one piece');
    expect(await alert()).toBe('');
    await say('And now?'); // it is there again
    expect(await page.locator('#turns .assistant .quiet').last().textContent()).toContain('first token after');
  });

  it('asks the model once for a message, whatever breaks off before an answer', async () => {
    const { page } = tried;
    await tried.choose('chat');
    await set({ max_tokens: '3' });
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') asked.push(request.url());
    });
    await page.route(streams(), (route) => route.abort('connectionreset'));
    await say('Hello there');
    await page.unroute(streams());
    expect(asked).toEqual([streams()]);
    expect(await alert()).toMatch(/^No answer came: /);
    expect(await page.inputValue('#input')).toBe('Hello there');
    await say('Hello there');
    expect(asked).toEqual([streams(), streams()]);
    expect(await turns()).toHaveLength(2);
  });

  it('ends the answer whose form is left', async () => {
    const { page } = tried;
    await page.route(streams(), () => {}); // never answers
    await tried.choose('chat');
    await page.fill('#input', 'Hello there');
    await Promise.all([page.waitForRequest((request) => request.method() === 'POST'), page.click('text=Send')]);
    const [request] = await Promise.all([
      page.waitForEvent('requestfailed'),
      page.click('#cards a:has-text("tiny-gpt2")'),
    ]);
    expect([request.url(), request.failure()?.errorText]).toEqual([streams(), 'net::ERR_ABORTED']);
    await page.unroute(streams());
  });

  it('continues a text with a model that has no template', async () => {
    const { page } = tried;
    await tried.choose('tiny-gpt2');
    expect(await page.locator('#system').count()).toBe(0);
    await set({ max_tokens: '5', seed: '1' });
    await page.click('button.main');
    await page.waitForSelector('#answer .timing');
    expect(await page.textContent('#written')).toMatch(/^Once upon a time.+ 5 out · first token after/s);
    expect(await page.textContent('#snippet')).toContain('/v1/completions');
    expect(await tried.problemsOfAxe()).toEqual([]);
    await page.fill('#input', 'word '.repeat(5_000));
    await page.click('button.main');
    await page.waitForSelector('#model [role=alert]:not(:empty)');
    expect(await alert()).toMatch(/^Refused with status 422: /);
  });

  it('fits a phone, in the dark, too', async () => {
    const { page } = tried;
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await tried.choose('chat');
    await set({ max_tokens: '3' });
    await say(`${'long'.repeat(40)} text`);
    expect([await tried.overflow(), await tried.problemsOfAxe()]).toEqual([0, []]);
  });

  it('says that a server does not answer', async () => {
    await tried.page.route('**/v1/**', (route) => route.abort('connectionrefused'));
    await say('Are you there?');
    expect(await alert()).toMatch(/^No answer came: /);
    expect(await tried.page.inputValue('#input')).toBe('Are you there?');
    expect(tried.problems).toEqual([]);
  });

  it('streams with the key of its user where a stage asks for one', async () => {
    const locked = await startPage(executable ?? '', { auth: 'key' });
    try {
      await pushChatModel(locked.repository, 'chat');
      const { page } = locked;
      await page.goto(`${locked.server.endpoint}/#model=chat`);
      await page.waitForSelector('#access:visible');
      await page.fill('#key', 'ons_wrong…');
      await page.click('text=Use it');
      await page.waitForSelector('#notice:has-text("cannot be read")');
      await page.reload();
      await page.waitForSelector('#access:visible');
      await page.fill('#key', 'ons_wrong');
      await page.click('text=Use it');
      const created = await runCli(['key', 'create', 'page', '--json'], { projectDirectory: locked.directory });
      const headers = { authorization: `Bearer ${created.json.key}` };
      // Running functions know a new key within a second.
      while ((await fetch(`${locked.server.endpoint}/models`, { headers })).status !== 200)
        await new Promise((wake) => setTimeout(wake, 50));
      await page.fill('#key', String(created.json.key));
      await page.click('text=Use it');
      await page.waitForSelector('#system');
      await page.fill('#input', 'Hello there');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#answer .timing');
      expect(await page.textContent('#turns .assistant .quiet')).toContain('first token after');
      expect(await page.textContent('#snippet')).toContain('"authorization: Bearer $KEY"');
      expect(locked.problems).toEqual([]);
    } finally {
      await locked.stop();
    }
  });
});
