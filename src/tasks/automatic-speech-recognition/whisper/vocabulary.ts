import { ServingError } from '../../../core/errors.ts';
import type { ReadFile } from '../../../core/payload.ts';
import { loadTokenizer, type Tokenizer } from '../../../media/text/tokenizer.ts';
import type { WhisperConfig } from './whisper-config.ts';

/** What texts are made with. Timestamps come last; special tokens stand between them and the words in OpenAI's vocabularies, and anywhere in others. */
export interface Vocabulary {
  readonly tokenizer: Pick<Tokenizer, 'decode' | 'token'>;
  readonly specialIds: ReadonlySet<number>;
  readonly firstTimestamp: number;
}

const SPECIAL = /^<\|.*\|>$/s;

const refuse = (problem: string): never => {
  throw new ServingError('MODEL_INVALID', `${problem}: they are not of one model`);
};

/**
 * @param logitsWidth how many tokens the decoder knows; undefined when the graph does not say
 * @throws `MODEL_INVALID` when the tokenizer numbers its tokens otherwise than `config`, or has more than the decoder
 */
export const loadVocabulary = async (
  read: ReadFile,
  { search, timestampTokens, languageIds, taskIds = {} }: WhisperConfig,
  logitsWidth?: number,
): Promise<Vocabulary> => {
  const tokenizer = await loadTokenizer(read);
  const [eos] = search.eosTokenIds as readonly [number];
  const noTimestamps = tokenizer.tokenId('<|notimestamps|>');
  const named: Readonly<Record<string, number | undefined>> = {
    '<|startoftranscript|>': search.decoderStartTokenId,
    '<|endoftext|>': eos,
    '<|notimestamps|>': timestampTokens?.noTimestamps,
    ...Object.fromEntries(Object.entries(taskIds).map(([task, id]) => [`<|${task}|>`, id])),
    ...languageIds,
  };
  for (const [token, id] of Object.entries(named)) {
    const known = tokenizer.tokenId(token);
    if (id !== undefined && known !== id)
      refuse(`${token} is token ${id} in generation_config.json and ${known ?? 'none'} in tokenizer.json`);
  }
  if (logitsWidth !== undefined && tokenizer.vocabSize > logitsWidth)
    refuse(`tokenizer.json has ${tokenizer.vocabSize} tokens, the decoder knows ${logitsWidth}`);
  const firstTimestamp = (noTimestamps ?? tokenizer.vocabSize - 1) + 1;
  const specialIds = new Set([eos]);
  for (let id = 0; id < firstTimestamp; id += 1) if (SPECIAL.test(tokenizer.token(id) ?? '')) specialIds.add(id);
  return { tokenizer, specialIds, firstTimestamp };
};
