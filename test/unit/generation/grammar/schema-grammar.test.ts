import { describe, expect, it } from '@jest/globals';
import { toGrammar } from '../../../../src/generation/grammar/schema-grammar.ts';
import { JSON_SCHEMAS, REFUSED_SCHEMAS } from '../../../support/json-schemas.ts';
import { createCheck } from '../../../support/validate-json.ts';
import { walkGrammar } from '../../../support/walk-grammar.ts';

/** test/long has six times as many. */
const WALKS = 4;

describe('the grammar of a schema', () => {
  it.each(Object.entries(JSON_SCHEMAS))('gives JSON that fits: %s', (_name, schema) => {
    const check = createCheck(schema);
    const texts = walkGrammar(toGrammar([schema]), WALKS, 11);
    for (const text of texts) expect([text, check(JSON.parse(text))]).toEqual([text, undefined]);
    expect(texts.length).toBeGreaterThan(WALKS / 2);
  });

  it.each(Object.entries(REFUSED_SCHEMAS))('is refused for %s', (_name, [schema, words]) => {
    expect(() => toGrammar([schema])).toThrow(words);
  });

  it.each([[undefined], [null], [{}], [{ description: 'none' }]])('gives arguments with names: %j', (parameters) => {
    const grammar = toGrammar([], [{ name: 'go', parameters }]);
    const texts = walkGrammar(grammar, WALKS, 3);
    expect(texts.length).toBeGreaterThan(WALKS / 2);
    for (const text of texts) expect(text).toMatch(/^\{\s*"name"\s*:\s*"go"\s*,\s*"arguments"\s*:\s*\{/);
  });

  it('is refused for a list within 30,000 lists', () => {
    const schema: unknown = JSON.parse(`{"enum": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`);
    expect(() => toGrammar([schema])).toThrow('nested too deep');
  });
});
