import { assertMergedDecoder } from '../../generation/decoder.ts';
import type { GenerationConfig } from '../../generation/generation-config.ts';
import { assertTextGraph } from '../../media/text/collate.ts';
import type { Encoding, Tokenizer } from '../../media/text/tokenizer.ts';
import { rowTask } from '../row-task.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { parseSearch, type TextToText, textToText } from '../text-to-text.ts';
import { assertKnownMarker, blankDirection, type Direction, readDirection } from './languages.ts';
import { PARAMETERS } from './parameters.ts';
import { settingsSchema, type TranslationSettings } from './settings.ts';

/** The tokens of a text, with the token of the source language when the model has such tokens. */
const encode = (
  text: string,
  { prefix, sourceToken }: Direction,
  { languages }: TranslationSettings,
  eosTokenId: number | undefined,
  tokenizer: Tokenizer,
  maxLength: number,
): Encoding => {
  const source = sourceToken === undefined ? undefined : tokenizer.tokenId(sourceToken);
  if (source === undefined || eosTokenId === undefined) return tokenizer.encode(prefix + text, { maxLength });
  const encoding = tokenizer.encode(text, { addSpecialTokens: false, maxLength: maxLength - 2 });
  const isBehind = languages?.by === 'token' && languages.behind;
  const ids = isBehind ? [...encoding.ids, eosTokenId, source] : [source, ...encoding.ids, eosTokenId];
  return { ...encoding, ids };
};

const steps = (settings: TranslationSettings): TextToText<Direction> => {
  const { generation, languages, maxLength } = settings;
  const config = parseSearch(generation, maxLength);
  const [eosTokenId] = config.eosTokenIds;
  // Of each language pair of a T5 model.
  const pairs = languages?.by === 'prefix' ? Object.entries(languages.pairs) : [];
  const byPair = new Map<string | undefined, GenerationConfig>(
    pairs.map(([pair, { generation: own }]) => [pair, parseSearch({ ...generation, ...own }, maxLength)]),
  );
  return {
    field: 'translation_text',
    parameters: PARAMETERS,
    positions: maxLength,
    blank: blankDirection(languages),
    readWay: (parameters) => readDirection(parameters, languages),

    search({ pair, targetToken }, tokenizer) {
      const target = targetToken === undefined ? undefined : tokenizer.tokenId(targetToken);
      return { ...(byPair.get(pair) ?? config), ...(target !== undefined && { forcedBosTokenId: target }) };
    },

    encode(text, direction, name, tokenizer, longest) {
      assertKnownMarker(text, name, languages);
      return encode(text, direction, settings, eosTokenId, tokenizer, longest);
    },
  };
};

/**
 * Texts → `[{translation_text}]`, as the Hugging Face inference API answers: a list, also for one text.
 * Graphs: an encoder `input_ids`, `attention_mask` int64[N,S] → float32[N,S,D], and a merged decoder as Optimum exports it.
 */
export const translation: TaskType<TranslationSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    assertTextGraph(signatureOf(version, 'encoder'));
    assertMergedDecoder(signatureOf(version, 'decoder'));
    return rowTask(textToText(steps(settings)));
  },
};
