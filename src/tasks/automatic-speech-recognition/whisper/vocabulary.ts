import { element } from '../../../core/element.ts';
import { refuse } from '../../../core/errors.ts';
import type { ReadFile } from '../../../core/payload.ts';
import { loadTokenizer, type Tokenizer } from '../../../media/text/tokenizer.ts';
import type { WhisperConfig } from './whisper-config.ts';

/**
 * The tokens of a text. Timestamps have the last ids. Special tokens stand between words and timestamps in OpenAI's vocabularies, and anywhere
 * in others.
 */
export interface Vocabulary {
  readonly tokenizer: Pick<Tokenizer, 'decode' | 'token'>;
  readonly specialIds: ReadonlySet<number>;
  readonly firstTimestamp: number;
}

const SPECIAL = /^<\|.*\|>$/s;

const refuseMix = (problem: string): never => refuse('MODEL_INVALID', `${problem}: they are not of one model`);

/**
 * @param logitsWidth number of tokens that the decoder knows; undefined when the graph does not say
 * @throws `MODEL_INVALID` when the tokenizer has other ids than `config`, or more tokens than the decoder
 */
export const loadVocabulary = async (
  read: ReadFile,
  { search, timestampTokens, languageIds, taskIds = {} }: WhisperConfig,
  logitsWidth?: number,
): Promise<Vocabulary> => {
  const tokenizer = await loadTokenizer(read);
  const eos = element(search.eosTokenIds, 0);
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
      refuseMix(`${token} is token ${id} in generation_config.json and ${known ?? 'none'} in tokenizer.json`);
  }
  if (logitsWidth !== undefined && tokenizer.vocabSize > logitsWidth)
    refuseMix(`tokenizer.json has ${tokenizer.vocabSize} tokens, the decoder knows ${logitsWidth}`);
  const firstTimestamp = (noTimestamps ?? tokenizer.vocabSize - 1) + 1;
  const specialIds = new Set([eos]);
  for (let id = 0; id < firstTimestamp; id += 1) if (SPECIAL.test(tokenizer.token(id) ?? '')) specialIds.add(id);
  return { tokenizer, specialIds, firstTimestamp };
};
