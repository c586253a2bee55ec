import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toGrammar } from '../../src/generation/grammar/schema-grammar.ts';
import { JSON_SCHEMAS } from '../support/json-schemas.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { answerSchemas, CHAT_MODELS, pushChatModels } from '../support/structured-answers.ts';
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

  it.each([[undefined], [null], [{}], [{ description: 'none' }]])('gives arguments with names: %j', (parameters) => {
    const texts = walkGrammar(toGrammar([], [{ name: 'go', parameters }]), WALKS, 3);
    expect(texts.length).toBeGreaterThan(16);
    for (const text of texts) expect(text).toMatch(/^\{\s*"name"\s*:\s*"go"\s*,\s*"arguments"\s*:\s*\{/);
  });
});

describe('response_format', () => {
  let serving: TestServing;
  beforeAll(async () => {
    serving = await createTestServing();
    await pushChatModels(serving);
  });
  afterAll(() => serving.remove());

  it.each(Object.keys(CHAT_MODELS))('gives JSON that fits, greedily and sampled: %s', async (model) => {
    const answers = await answerSchemas(serving, model, () => [0, 1]);
    for (const answer of answers) expect(answer).toEqual({ ...answer, reason: 'stop', fault: undefined });
    expect(answers.length).toBeGreaterThan(30);
  });
});
