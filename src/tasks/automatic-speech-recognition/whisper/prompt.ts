import { languageId, type WhisperConfig } from './whisper-config.ts';

/** The wishes of a caller for the text. */
interface PromptOptions {
  /** Code, English name or token; undefined for the language of the audio. */
  readonly language?: string;
  /** `transcribe` or `translate`, into English. */
  readonly task?: string;
  readonly timestamps: boolean;
}

/** The place of the language's token, which the model detects for each window. */
export const DETECTED = 'detected';
export type PromptToken = number | typeof DETECTED;

/**
 * The first tokens of a text: start of transcript, language, task, no timestamps; each of them only if the model has it.
 * (`_retrieve_init_tokens` of transformers 4.57)
 *
 * @param options name languages and tasks that the model knows
 */
export const createPrompt = (config: WhisperConfig, options: PromptOptions): PromptToken[] => {
  const language = options.language ?? config.language;
  const task = options.task ?? config.task;
  const { taskIds, timestampTokens, languageIds } = config;
  const written = task === undefined && language === undefined ? (config.writtenPrompt ?? []) : [];

  const [, ...others] = written;
  let [languageToken]: readonly (PromptToken | null | undefined)[] = written;
  if (language !== undefined) languageToken = languageId(config, language);
  else if (languageIds !== undefined && languageToken == null) languageToken = DETECTED;

  const asked = task ?? (language === undefined ? undefined : 'transcribe');
  const taskToken = asked === undefined ? undefined : taskIds?.[asked];
  const prompt = [config.search.decoderStartTokenId, languageToken, ...others, taskToken].filter(
    (token) => token != null,
  );

  const endsWithout = timestampTokens !== undefined && prompt.at(-1) === timestampTokens.noTimestamps;
  if (options.timestamps && endsWithout) prompt.pop();
  if (!options.timestamps && !endsWithout && timestampTokens !== undefined) prompt.push(timestampTokens.noTimestamps);
  return prompt;
};
