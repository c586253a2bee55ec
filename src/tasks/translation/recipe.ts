import type { Tokenizer } from '../../media/text/tokenizer.ts';
import type { Settings } from '../../source/settings-file.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readTaskParams, readTextToText, TEXT_TO_TEXT } from '../text-to-text-recipe.ts';
import type { Languages, TranslationSettings } from './settings.ts';

/** Tokens that name a language, with its code: of Marian, M2M100, NLLB. */
const MARKER = /^>>(.+)<<$/;
const LANGUAGE_TOKENS = [/^__([a-z]{2,3})__$/, /^([a-z]{3}_[A-Z][a-z]{3})$/];

const PAIR = /^translation_(.+)$/;

/** Tokens of the vocabulary that a pattern matches, by the code that it captures. */
const findTokens = (tokenizer: Tokenizer, patterns: readonly RegExp[]): Record<string, string> => {
  const found: Record<string, string> = {};
  for (let id = 0; id < tokenizer.vocabSize; id += 1) {
    const token = tokenizer.token(id) ?? '';
    for (const pattern of patterns) {
      const [, code] = pattern.exec(token) ?? [];
      if (code !== undefined) found[code] = token;
    }
  }
  return found;
};

type Pairs = Extract<Languages, { by: 'prefix' }>['pairs'];

const findPairs = (config: Settings): Pairs =>
  Object.fromEntries(
    readTaskParams(config, PAIR).map(({ name, prefix = '', generation }) => [name, { prefix, generation }]),
  );

/** The languages of a model, from its tokens and its settings; undefined for a model of one language pair. */
const findLanguages = (tokenizer: Tokenizer, config: Settings, tokenizerConfig: Settings): Languages | undefined => {
  const markers = findTokens(tokenizer, [MARKER]);
  if (Object.keys(markers).length > 0) return { by: 'marker', tokens: markers };
  const tokens = config.model_type === 'm2m_100' ? findTokens(tokenizer, LANGUAGE_TOKENS) : {};
  if (Object.keys(tokens).length > 0) {
    const { src_lang: source, tgt_lang: target, legacy_behaviour: behind } = tokenizerConfig;
    return {
      by: 'token',
      tokens,
      ...(typeof source === 'string' && { source }),
      ...(typeof target === 'string' && { target }),
      behind: behind === true,
    };
  }
  const pairs = findPairs(config);
  return Object.keys(pairs).length > 0 ? { by: 'prefix', pairs } : undefined;
};

export const translation: TaskRecipe<TranslationSettings, Tokenizer> = {
  ...TEXT_TO_TEXT,

  async read(source) {
    const { config, tokenizer, tokenizerConfig, settings, ...files } = await readTextToText(source);
    return { ...files, settings: { ...settings, languages: findLanguages(tokenizer, config, tokenizerConfig) } };
  },
};
