import { refuse } from '../../../core/errors.ts';
import type { ModelSource } from '../../../source/model-source.ts';
import { requireSettingsFile, type Settings } from '../../../source/settings-file.ts';
import { readTokenizerFiles } from '../../../source/tokenizers/index.ts';
import type { ModelSettings, Unchecked } from '../../recipe.ts';
import { parseSettings } from '../../task-type.ts';
import { type WhisperSettings, whisperSchema } from '../settings.ts';

/** The spectrogram of `src/media/audio/log-mel.ts` and of every official model. */
const SPECTROGRAM: Settings = { sampling_rate: 16_000, n_fft: 400, hop_length: 160 };
/** Positions of the encoder, which joins two frames of 10 ms. */
const POSITIONS_PER_SECOND = 50;

/**
 * Fields that Optimum leaves out when it derives generation_config.json from config.json. English-only models have one language and one task.
 */
const missingFields = (generation: Settings): string[] =>
  ['no_timestamps_token_id', ...(generation.is_multilingual === false ? [] : ['lang_to_id', 'task_to_id'])].filter(
    (name) => generation[name] === undefined,
  );

const assertSpectrogram = (preprocessor: Settings): void => {
  for (const [name, expected] of Object.entries(SPECTROGRAM)) {
    const { [name]: value = expected } = preprocessor;
    if (value !== expected)
      refuse(
        'MODEL_INVALID',
        `"${name}" in preprocessor_config.json is ${value}, expected ${expected} as Whisper has it`,
      );
  }
};

const readConfigs = async (source: ModelSource) => ({
  config: await requireSettingsFile(source, 'config.json', 'the kind of model'),
  preprocessor: await requireSettingsFile(source, 'preprocessor_config.json', 'the way from audio to a tensor'),
  generation: await requireSettingsFile(
    source,
    'generation_config.json',
    'the tokens of languages, tasks and timestamps, which the model it was trained from has as well',
  ),
});

/** @throws `MODEL_INVALID` when config.json and preprocessor_config.json are of different models */
const assertSameModel = (config: Settings, melBins: unknown, seconds: unknown): void => {
  const { num_mel_bins: modelBins = melBins, max_source_positions: positions = 1_500 } = config;
  if (modelBins !== melBins)
    refuse(
      'MODEL_INVALID',
      `"num_mel_bins" in config.json is ${modelBins}, "feature_size" in preprocessor_config.json ${melBins}: they are of different models`,
    );
  if (positions !== Number(seconds) * POSITIONS_PER_SECOND)
    refuse(
      'MODEL_INVALID',
      `"max_source_positions" in config.json is ${positions}, expected ${POSITIONS_PER_SECOND} for each of the ` +
        `${seconds} s of "chunk_length" in preprocessor_config.json`,
    );
};

/** Models that write a text one token after another, in any of a hundred languages, for windows of 30 s. */
export const whisper = {
  graphs: ['encoder', 'decoder'],

  async read(source: ModelSource): Promise<ModelSettings<WhisperSettings>> {
    const { config, preprocessor, generation } = await readConfigs(source);
    assertSpectrogram(preprocessor);
    const { feature_size: melBins = 80, chunk_length: seconds = 30 } = preprocessor;
    assertSameModel(config, melBins, seconds);
    const { max_target_positions: maxTokens = 448, forced_decoder_ids: forced } = config;
    // Models older than generation_config.json have their prompt in config.json, where transformers still looks for it.
    const prompted = { ...generation, forced_decoder_ids: generation.forced_decoder_ids ?? forced };
    const settings: Unchecked<WhisperSettings> = { kind: 'whisper', melBins, seconds, maxTokens, generation: prompted };
    return {
      notes: missingFields(generation).map(
        (name) =>
          `generation_config.json has no "${name}": parameters that need it are refused; copy it from the model from which this one was trained`,
      ),
      settings: parseSettings('automatic-speech-recognition', whisperSchema, settings),
      resources: await readTokenizerFiles(source),
      files: ['config.json', 'preprocessor_config.json', 'generation_config.json'].map((path) => ({ path })),
    };
  },
};
