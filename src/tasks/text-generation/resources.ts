import type { ReadFile } from '../../core/payload.ts';
import type { DecoderLayout } from '../../generation/causal/layout.ts';
import { createPrefixCache, type PrefixCache } from '../../generation/causal/prefix-cache.ts';
import { loadTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { loadChat, type RenderChat } from './chat.ts';
import type { TextGenerationSettings } from './settings.ts';

/** Values that a loaded model keeps beside its graph. */
export interface Resources {
  readonly tokenizer: Tokenizer;
  readonly prefixes: PrefixCache;
  /** Undefined for a model without a chat template. */
  readonly chat: RenderChat | undefined;
  /** Bytes that answers under way may take for their caches. */
  readonly reserved: { bytes: number };
}

/** @throws `MODEL_INVALID` */
export const loadResources = async (
  read: ReadFile,
  layout: DecoderLayout,
  { chat }: Pick<TextGenerationSettings, 'chat'>,
): Promise<Resources> => ({
  tokenizer: await loadTokenizer(read),
  prefixes: createPrefixCache(layout),
  chat: chat ? await loadChat(read) : undefined,
  reserved: { bytes: 0 },
});
