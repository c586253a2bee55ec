import type { ReadFile } from '../../core/payload.ts';
import type { GenerationDefaults } from '../../generation/causal/generation-defaults.ts';
import type { DecoderLayout } from '../../generation/causal/layout.ts';
import { createPrefixCache, type PrefixCache } from '../../generation/causal/prefix-cache.ts';
import type { Grammars } from '../../generation/grammar/grammars.ts';
import { loadTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { loadChat, type RenderChat } from './chat.ts';
import { createModelGrammars } from './grammar.ts';
import type { TextGenerationSettings } from './settings.ts';

/** Values that a loaded model keeps beside its graph. */
export interface Resources {
  readonly tokenizer: Tokenizer;
  readonly prefixes: PrefixCache;
  /** Undefined for a model without a chat template. */
  readonly chat: RenderChat | undefined;
  /** Grammars that answers may be held to. */
  readonly grammars: Grammars;
  /** Bytes that answers under way may take for their caches. */
  readonly reserved: { bytes: number };
}

interface Model {
  readonly layout: DecoderLayout;
  readonly settings: Pick<TextGenerationSettings, 'chat'>;
  readonly defaults: Pick<GenerationDefaults, 'eosTokenIds'>;
}

/** @throws `MODEL_INVALID` */
export const loadResources = async (read: ReadFile, { layout, settings, defaults }: Model): Promise<Resources> => {
  const tokenizer = await loadTokenizer(read);
  return {
    tokenizer,
    prefixes: createPrefixCache(layout),
    chat: settings.chat ? await loadChat(read) : undefined,
    grammars: createModelGrammars(tokenizer, defaults.eosTokenIds),
    reserved: { bytes: 0 },
  };
};
