import { refuse, ServingError } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { isObject } from '../../core/is-object.ts';
import { readChatTemplates } from '../../source/chat-templates.ts';
import { type ModelSource, readSettingsFile } from '../../source/model-source.ts';
import type { Settings } from '../../source/settings-file.ts';
import { readTokenizer } from '../../source/tokenizers/index.ts';
import { answerOne, runBlank } from '../answer-one.ts';
import { graphOf } from '../graph-of.ts';
import type { TaskRecipe } from '../recipe.ts';
import { CHAT_FILE } from './chat.ts';
import type { Resources } from './resources.ts';
import { cacheBytes, readLayout } from './room.ts';
import type { TextGenerationSettings } from './settings.ts';

/** Names of the longest context in config.json, the first that is there. */
const CONTEXT_FIELDS = ['max_position_embeddings', 'n_positions', 'n_ctx', 'max_seq_len', 'seq_length'];

const numberOf = (settings: Settings, ...names: readonly string[]): number | undefined =>
  names.map((name) => settings[name]).find((value) => typeof value === 'number');

const objectOf = (settings: Settings, name: string): Settings => {
  const value = settings[name];
  return isObject(value) ? value : {};
};

/** Settings of a text model, also where config.json has them within those of a model of several inputs. */
const textConfig = (config: Settings): Settings => ({ ...config, ...objectOf(config, 'text_config') });

/** Settings of genai_config.json, in the names of config.json and generation_config.json. */
const readGenai = (genai: Settings): { readonly config: Settings; readonly generation: Settings } => {
  const model = objectOf(genai, 'model');
  const { eos_token_id, bos_token_id, context_length, vocab_size } = model;
  const { head_size, ...decoder } = objectOf(model, 'decoder');
  // The builder writes the length of the context as the longest answer.
  const { max_length: _, past_present_share_buffer: _buffer, ...search } = objectOf(genai, 'search');
  return {
    config: { ...decoder, head_dim: head_size, max_position_embeddings: context_length, vocab_size },
    generation: { ...search, eos_token_id, bos_token_id },
  };
};

const headsOf = (config: Settings): TextGenerationSettings['heads'] => {
  const all = numberOf(config, 'num_attention_heads', 'n_head');
  const heads = numberOf(config, 'num_key_value_heads') ?? all;
  const hidden = numberOf(config, 'hidden_size', 'n_embd');
  const size = numberOf(config, 'head_dim') ?? (hidden !== undefined && all !== undefined ? hidden / all : undefined);
  return heads !== undefined && size !== undefined ? { heads, size } : undefined;
};

/** Search settings of the model. Before transformers 4.26 they stood in config.json. */
const generationOf = (own: Settings | undefined, genai: Settings | undefined, config: Settings): Settings => {
  if (own !== undefined) return own;
  if (genai !== undefined) return genai;
  const { bos_token_id, eos_token_id } = config;
  return { bos_token_id, eos_token_id };
};

/** Tokens of the text of the trial run: long enough that it takes the memory of a run, and short enough for a large model. */
const TRIAL_TOKENS = 256;

/** Tokens that differ: an attention over equal ones gives the same whatever it reads. */
const trialTokens = ({ vocabSize, token }: Resources['tokenizer'], length: number): readonly number[] =>
  Array.from({ length }, (_, index) => (index * 7_919) % vocabSize).map((id) => (token(id) === undefined ? 0 : id));

const FILES = ['config.json', 'generation_config.json', 'genai_config.json'] as const;

/** @throws `MODEL_INVALID` when the tokenizer has tokens that the decoder does not know */
const assertVocabulary = (vocabSize: number, rows: unknown): void => {
  if (typeof rows === 'number' && vocabSize > rows)
    refuse(
      'MODEL_INVALID',
      `tokenizer.json has ${vocabSize} tokens, the decoder ${rows}: they are not of the same model`,
    );
};

/** A template may refuse this conversation, but it has to come to an end. @throws `MODEL_INVALID` */
const assertChatEnds = (chat: Resources['chat']): void => {
  const messages = [{ role: 'user', content: 'Hello' }];
  try {
    chat?.({ messages, tools: undefined, addGenerationPrompt: true, variables: {} });
  } catch (error) {
    if (ServingError.from(error).code === 'MODEL_INVALID') throw error;
  }
};

export const textGeneration: TaskRecipe<TextGenerationSettings, Resources> = {
  maxBatch: 1,
  graphs: ['model'],
  lastPositionOf: 'logits',
  example: '<text.txt>',

  async read(source: ModelSource) {
    const [own, generation, genai] = await Promise.all(FILES.map((name) => readSettingsFile(source, name)));
    if (own === undefined && genai === undefined)
      refuse(
        'MODEL_INVALID',
        `${source.directory} has neither config.json nor genai_config.json, which its task needs`,
      );
    const builder = genai && readGenai(genai);
    const config = { ...builder?.config, ...textConfig(own ?? {}) };
    const { files } = await readTokenizer(source);
    const chat = await readChatTemplates(source);
    const settings = {
      generation: generationOf(generation, builder?.generation, config),
      contextLength: numberOf(config, ...CONTEXT_FIELDS),
      heads: headsOf(config),
      chat: chat !== undefined,
    };
    const found = [own, generation, genai];
    return {
      settings,
      resources: [...files, ...(chat ? [{ path: CHAT_FILE, content: JSON.stringify(chat) }] : [])],
      files: FILES.flatMap((path, index) => (found[index] === undefined ? [] : [{ path }])),
    };
  },

  async findSettings({ graphs }, settings) {
    const layout = readLayout(graphOf(graphs).signature, settings.heads);
    const tokens = 1_000;
    return {
      settings: { cacheBytesPerToken: layout.bytesPerToken },
      notes: [
        `while it answers, its cache takes up to ${formatBytes(cacheBytes(layout, tokens))} of memory for ` +
          `${tokens.toLocaleString('en')} tokens of a text with its answer`,
      ],
    };
  },

  async trialRun(task, model, { contextLength }) {
    const logits = graphOf(model.graphs).signature.outputs.find(({ name }) => name === 'logits');
    assertVocabulary(model.resources.tokenizer.vocabSize, logits?.shape[2]);
    assertChatEnds(model.resources.chat);
    await runBlank(task, model);
    const length = Math.max(1, Math.min(TRIAL_TOKENS, (contextLength ?? TRIAL_TOKENS) - 1));
    const tokens = trialTokens(model.resources.tokenizer, length);
    await answerOne(task, model, task.decode({ inputs: { tokens }, parameters: { max_new_tokens: 1 } }));
  },
};
