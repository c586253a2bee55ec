import { cp, mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { createTestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const MODELS = join(import.meta.dirname, '../fixtures/models');

const TEXTS = [
  'She reads a book every evening before she goes to sleep.',
  'naïve café ｆｕｌｌ ﬁne 😀',
  '  two  spaces   and a tab\there ',
  '今天天气很好',
  'a</s>b <pad> <unk>',
  '',
];

it.each([
  ['tiny-t5', { src_lang: 'en', tgt_lang: 'fr' }],
  ['tiny-nllb', { src_lang: 'eng_Latn', tgt_lang: 'fra_Latn' }],
])(
  '%s answers alike with the tokenizer.json of its folder and with the one that push makes',
  async (name, parameters) => {
    const { fetch, repository, remove } = await createTestServing();
    const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
    await cp(join(MODELS, name), folder, { recursive: true });
    await pushModel(repository, folder, { name: 'own' });
    await unlink(join(folder, 'tokenizer.json'));
    await pushModel(repository, folder, { name: 'made' });

    const [own, made] = await Promise.all(
      ['own', 'made'].map(async (model) => {
        const response = await fetch(`/models/${model}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ inputs: TEXTS, parameters }),
        });
        return { status: response.status, answer: await response.json() };
      }),
    );
    expect(own).toMatchObject({ status: 200, answer: TEXTS.map(() => ({ translation_text: expect.any(String) })) });
    expect(made).toEqual(own);
    await Promise.all([remove(), rm(folder, { recursive: true })]);
  },
);
