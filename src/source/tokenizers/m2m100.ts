import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import {
  assertKnown,
  assertNoSampling,
  decoderPart,
  normalizerPart,
  piecesPart,
  readPieces,
  specialTokens,
} from './sentencepiece-parts.ts';
import { additionalTokens, requireId, specialToken, textOf } from './special-tokens.ts';
import { readVocabulary, type TokenizerFolder } from './tokenizer-folder.ts';
import { template, tokenizerJson } from './tokenizer-json.ts';

/** Languages by the value of `language_codes`; their tokens follow the vocabulary in this order. tokenization_m2m_100.py */
const LANGUAGES: Readonly<Record<string, string>> = {
  m2m100: `af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht
    hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl
    ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu`,
  wmt21: 'en ha is ja cs ru zh de',
};

/** M2M100Tokenizer: pieces of sentencepiece.bpe.model, numbered by vocab.json; the language stands before the text. */
export const m2m100 = async (folder: TokenizerFolder): Promise<object> => {
  assertNoSampling(folder);
  const vocabulary = await readVocabulary(folder, 'vocab.json');
  const model = await readPieces(folder, 'sentencepiece.bpe.model');
  assertKnown(model, 'sentencepiece.bpe.model', vocabulary, 'vocab.json');
  const codes = String(folder.settings.language_codes ?? 'm2m100');
  const languages =
    (Object.hasOwn(LANGUAGES, codes) ? LANGUAGES[codes] : undefined)?.split(/\s+/) ??
    refuse(
      'MODEL_INVALID',
      `tokenizer_config.json: "language_codes" is ${show(codes)}; known are ${Object.keys(LANGUAGES).join(', ')}`,
    );

  const size = vocabulary.size;
  const numbered = new Map([...vocabulary, ...languages.map((code, index) => [`__${code}__`, size + index] as const)]);
  const toId = (token: string): number => requireId(numbered, token, 'vocab.json');
  const named = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token'].map((name, index) =>
    specialToken(folder, name, ['<s>', '</s>', '<unk>', '</s>', '<pad>'][index] ?? ''),
  );
  const [, eos = '', unknown = ''] = named;
  const language = `__${folder.settings.src_lang ?? 'en'}__`;
  const additional = additionalTokens(folder).map(textOf);
  const special = [...named, ...additional];
  return tokenizerJson({
    added_tokens: specialTokens(folder, special, numbered),
    normalizer: normalizerPart(model, false),
    pre_tokenizer: null,
    model: {
      type: 'SentencePiece',
      pieces: piecesPart(model),
      vocab: Object.fromEntries(numbered),
      unk_token: unknown,
      language_codes: false,
    },
    post_processor: template(`${language} $A ${eos}`, `${language} $A $B ${eos}`, {
      [language]: toId(language),
      [eos]: toId(eos),
    }),
    decoder: decoderPart(model, {
      special_tokens: named,
      after_special_token: '',
      separate_tokens: additional.filter((token) => toId(token) >= size),
    }),
  });
};
