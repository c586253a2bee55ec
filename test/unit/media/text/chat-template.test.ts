import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../../src/core/errors.ts';
import { type Chat, createChatTemplate } from '../../../../src/media/text/chat/chat-template.ts';

/** Made by `test/reference/chat_templates.py`. */
const REFERENCE = JSON.parse(readFileSync('test/fixtures/reference/chat-templates.json', 'utf8')) as {
  readonly now: string;
  readonly conversations: readonly ({
    messages: unknown[];
    tools?: unknown[];
    add_generation_prompt?: boolean;
  } & Record<string, unknown>)[];
  /** Empty where Python fails in another way than by the template's own refusal. */
  readonly templates: Readonly<Record<string, readonly { text?: string; refusal?: string }[]>>;
};
const TOKENS = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' };

const outcomeOf = (run: () => string): { text: string } | { refusal: string; code: string } => {
  try {
    return { text: run() };
  } catch (error) {
    const { message, code } = ServingError.from(error);
    return { refusal: message, code };
  }
};

const hello: Chat = { messages: [{ role: 'user', content: 'Hello' }], addGenerationPrompt: true, variables: TOKENS };
const run = (source: string, chat = hello) => outcomeOf(() => createChatTemplate(source).render(chat));

describe('chat templates', () => {
  it('are of 15 families at least', () => {
    expect(Object.keys(REFERENCE.templates).length).toBeGreaterThanOrEqual(15);
  });

  it.each(Object.keys(REFERENCE.templates))('%s gives the texts and refusals of transformers', (name) => {
    const source = readFileSync(`test/fixtures/chat-templates/${name}.jinja`, 'utf8');
    const template = createChatTemplate(source, () => new Date(REFERENCE.now));
    for (const [index, expected] of (REFERENCE.templates[name] ?? []).entries()) {
      const conversation = REFERENCE.conversations[index];
      if (conversation === undefined || Object.keys(expected).length === 0) continue;
      const { messages, tools, add_generation_prompt: addGenerationPrompt = true, ...variables } = conversation;
      const chat = { messages, tools, addGenerationPrompt, variables: { ...TOKENS, ...variables } };
      const refused = expected.refusal !== undefined && { code: 'INVALID_INPUT' };
      expect(outcomeOf(() => template.render(chat))).toEqual({ ...expected, ...refused });
    }
  });

  it('strip as Python does', () => {
    const chat = { ...hello, messages: ['\ufeff\x1c\u2003a\x85\u3000', '😀a😀'] };
    expect(run("{{ messages[0].strip() }}{{ messages[1].rstrip('😀') }}{{ none | trim }}{{ x | trim }}", chat)).toEqual(
      {
        text: '\ufeff\x1c\u2003a😀aNone',
      },
    );
  });

  it('tell the time in UTC', () => {
    const template = createChatTemplate(
      "{{ strftime_now('%A %a %d %B %b %m %Y %y %H %I %p %M %S %% %q') }}",
      () => new Date('2026-11-05T14:07:09Z'),
    );
    expect(template.render(hello)).toBe('Thursday Thu 05 November Nov 11 2026 26 14 02 PM 07 09 % %q');
  });
});

describe('a template that goes too far', () => {
  it.each<[string, string, string]>([
    ['loops', '{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}', 'longer than'],
    [
      'loops over nothing',
      '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}',
      'longer than',
    ],
    ['calls itself', '{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}', 'nested deeper'],
    ['makes a large range', '{{ range(10 ** 12) | length }}', 'range of 1000000000000'],
    ['makes an endless range', '{% for a in range(0, 5, 0) %}{% endfor %}', 'range of'],
    [
      'makes a large text',
      "{% set n = namespace(t='0123456789') %}{% for a in range(99) %}{% set n.t = n.t + n.t %}{% endfor %}",
      'text of',
    ],
    [
      'makes a large list',
      '{% set n = namespace(l=range(9)) %}{% for a in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}',
      'list of',
    ],
    [
      'puts lists into lists',
      '{% set n = namespace(l=[1]) %}{% for a in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l | tojson }}',
      'lists of',
    ],
    [
      'puts objects into objects',
      "{% set n = namespace(o={}) %}{% for a in range(60) %}{% set n.o = {'a': n.o, 'b': n.o} %}{% endfor %}{{ n.o }}",
      'lists of',
    ],
    [
      'fills lists later',
      `{% set n = [${'namespace(),'.repeat(40)}] %}{% for a in range(39) %}{% set m = n[a] %}{% set m.l = [n[a + 1], n[a + 1]] %}{% endfor %}{{ n[0] }}`,
      'the chat template', // too large, or too slow
    ],
  ])('and %s is stopped', (_what, source, problem) => {
    expect(run(source)).toEqual({ refusal: expect.stringContaining(problem), code: 'MODEL_INVALID' });
  });

  it.each<[string, string]>([
    ['has no end', '{% for m in messages %}'],
    ['has an unknown statement', '{% include "/etc/passwd" %}'],
    ['is too long', ' '.repeat(300_000)],
    ['is nested too deep to be read', `{{ ${'('.repeat(100_000)} 1 ${')'.repeat(100_000)} }}`],
  ])('because it %s is refused', (_what, source) => {
    expect(run(source)).toEqual({ refusal: expect.stringContaining('chat template'), code: 'MODEL_INVALID' });
  });

  it.each<[string, string]>([
    ['constructors', "{{ ''.constructor.constructor('return process')() }}"],
    ['prototypes', "{{ messages.__proto__.polluted }}{{ messages.__proto__['toString']() }}"],
    ['classes of Python', "{{ ''.__class__.__mro__[1].__subclasses__() }}"],
  ])('reaches no %s', (_what, source) => {
    expect(run(source)).toEqual({ refusal: expect.any(String), code: 'INVALID_INPUT' });
  });

  it('cannot be made to run by messages', () => {
    const chat = { ...hello, messages: [{ role: 'user', content: "{{ raise_exception('no') }}" }] };
    expect(run('{{ messages[0].content }}', chat)).toEqual({ text: "{{ raise_exception('no') }}" });
  });

  it('refuses messages that are nested too deep', () => {
    let content: unknown = 'a';
    for (let depth = 0; depth < 100_000; depth += 1) content = [content];
    expect(run('{{ messages[0].content | tojson }}', { ...hello, messages: [{ content }] })).toEqual({
      refusal: expect.stringContaining('does not take these messages'),
      code: 'INVALID_INPUT',
    });
  });
});
