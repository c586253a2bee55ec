import { describe, expect, it } from '@jest/globals';
import { createRandom } from '../../../../src/core/random.ts';
import { createGrammarEngine } from '../../../../src/generation/grammar/engine.ts';
import { toGrammar } from '../../../../src/generation/grammar/schema-grammar.ts';
import { JSON_SCHEMAS, REFUSED_SCHEMAS } from '../../../support/json-schemas.ts';
import { createCheck } from '../../../support/validate-json.ts';

const PIECES = [
  '": ',
  '",',
  '"}',
  '"]',
  '{"',
  '["',
  'true',
  'null',
  '\\u',
  '\\ud83d',
  '\\ude00',
  '12',
  'e+',
  '😀',
  'a"',
];
const tokens = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...PIECES.map((text) => Buffer.from(text)),
];
const END = tokens.length;
const engine = await createGrammarEngine({ tokens: [...tokens, undefined], ends: [END] });
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Texts that end the value, which chance takes more often than their share. */
const isEnd = (id: number): boolean => id === END || ['"', '}', ']'].includes(String(tokens[id]?.toString()));

/** Follows a grammar by chance. Undefined where it did not end within 600 tokens. @throws for bytes that are no UTF-8 */
const walk = (grammar: string, random: () => number): string | undefined => {
  const constraint = engine.constrain(grammar);
  const bytes: number[] = [];
  for (let count = 0; count < 600; count += 1) {
    const logits = new Float32Array(tokens.length + 1);
    constraint.mask(logits);
    const allowed = [...logits.keys()].filter((id) => logits[id] === 0);
    const ends = allowed.filter(isEnd);
    const choices = ends.length > 0 && random() < 0.3 ? ends : allowed;
    const id = choices[Math.floor(random() * choices.length)] ?? -1;
    constraint.accept(id);
    if (constraint.isEnd()) {
      constraint.release();
      return utf8.decode(Uint8Array.from(bytes));
    }
    bytes.push(...(tokens[id] ?? []));
  }
  return undefined;
};

describe('the grammar of a schema', () => {
  it.each(Object.entries(JSON_SCHEMAS))('gives JSON that fits: %s', (_name, schema) => {
    const check = createCheck(schema);
    const grammar = toGrammar([schema]);
    const random = createRandom(11);
    let ended = 0;
    for (let run = 0; run < 24; run += 1) {
      const text = walk(grammar, random);
      if (text === undefined) continue;
      ended += 1;
      expect([text, check(JSON.parse(text))]).toEqual([text, undefined]);
    }
    expect(ended).toBeGreaterThan(16);
  });

  it.each(Object.entries(REFUSED_SCHEMAS))('is refused for %s', (_name, [schema, words]) => {
    expect(() => toGrammar([schema])).toThrow(words);
  });

  it.each([[undefined], [null], [{}], [{ description: 'none' }]])('gives arguments with names: %j', (parameters) => {
    const grammar = toGrammar([], [{ name: 'go', parameters }]);
    const random = createRandom(3);
    const texts = Array.from({ length: 24 }, () => walk(grammar, random)).filter((text) => text !== undefined);
    expect(texts.length).toBeGreaterThan(16);
    for (const text of texts) expect(text).toMatch(/^\{\s*"name"\s*:\s*"go"\s*,\s*"arguments"\s*:\s*\{/);
  });

  it('is refused for a list within 30,000 lists', () => {
    const schema: unknown = JSON.parse(`{"enum": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`);
    expect(() => toGrammar([schema])).toThrow('nested too deep');
  });
});
