import { describe, expect, it } from '@jest/globals';
import { toGrammar } from '../../src/generation/grammar/schema-grammar.ts';
import { JSON_SCHEMAS } from '../support/json-schemas.ts';
import { createCheck } from '../support/validate-json.ts';
import { walkGrammar } from '../support/walk-grammar.ts';

const WALKS = 24;

describe('the grammar of a schema', () => {
  it.each(Object.entries(JSON_SCHEMAS))('gives JSON that fits, whatever tokens chance takes: %s', (_name, schema) => {
    const check = createCheck(schema);
    const texts = walkGrammar(toGrammar([schema]), WALKS, 11);
    for (const text of texts) expect([text, check(JSON.parse(text))]).toEqual([text, undefined]);
    expect(texts.length).toBeGreaterThan(16);
  });
});
