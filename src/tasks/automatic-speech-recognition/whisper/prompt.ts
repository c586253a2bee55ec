import { languageId, type WhisperConfig } from './whisper-config.ts';

/** What a caller may ask of the text. */
interface Wish {
  /** Code, English name or token; undefined: as spoken. */
  readonly language?: string;
  /** `transcribe` or `translate`, into English. */
  readonly task?: string;
  readonly timestamps: boolean;
}

/** Stands where the token of the language comes that is spoken. */
export const SPOKEN = 'spoken';
export type PromptToken = number | typeof SPOKEN;

/**
 * The tokens that a text begins with: start of transcript, language, task, no timestamps; each where the model has it.
 * (`_retrieve_init_tokens` of transformers 4.57)
 *
 * @param wish names languages and tasks that the model knows
 */
export const createPrompt = (config: WhisperConfig, wish: Wish): PromptToken[] => {
  const language = wish.language ?? config.language;
  const task = wish.task ?? config.task;
  const { taskIds, timestampTokens, languageIds } = config;
  const written = task === undefined && language === undefined ? (config.writtenPrompt ?? []) : [];

  const [, ...others] = written;
  let [spoken]: readonly (PromptToken | null | undefined)[] = written;
  if (language !== undefined) spoken = languageId(config, language);
  else if (languageIds !== undefined && spoken == null) spoken = SPOKEN;

  const prompt: PromptToken[] = [config.search.decoderStartTokenId, spoken, ...others].filter((token) => token != null);
  if (task !== undefined) prompt.push(taskIds?.[task] as number);
  else if (language !== undefined && taskIds?.transcribe !== undefined) prompt.push(taskIds.transcribe);

  const endsWithout = timestampTokens !== undefined && prompt.at(-1) === timestampTokens.noTimestamps;
  if (wish.timestamps && endsWithout) prompt.pop();
  if (!wish.timestamps && !endsWithout && timestampTokens !== undefined) prompt.push(timestampTokens.noTimestamps);
  return prompt;
};
