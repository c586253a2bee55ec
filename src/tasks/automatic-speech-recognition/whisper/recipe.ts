import type { ModelSource } from '../../../source/model-source.ts';
import { refuse, requireSettingsFile, type Settings } from '../../../source/settings-file.ts';
import { readTokenizerFiles } from '../../../source/tokenizers/index.ts';
import type { TaskRecipe } from '../../recipe.ts';

/** What `src/tasks/audio/log-mel.ts` computes, and every official model takes. */
const SPECTROGRAM: Settings = { sampling_rate: 16_000, n_fft: 400, hop_length: 160 };
/** Of the encoder, which joins two frames of 10 ms. */
const POSITIONS_PER_SECOND = 50;

/** What Optimum leaves out where it derives generation_config.json from config.json. English-only models have one language and one task. */
const missingFields = (generation: Settings): string[] =>
  ['no_timestamps_token_id', ...(generation.is_multilingual === false ? [] : ['lang_to_id', 'task_to_id'])].filter(
    (name) => generation[name] === undefined,
  );

const assertSpectrogram = (preprocessor: Settings): void => {
  for (const [name, expected] of Object.entries(SPECTROGRAM)) {
    const { [name]: value = expected } = preprocessor;
    if (value !== expected)
      refuse(`"${name}" in preprocessor_config.json is ${value}, expected ${expected} as Whisper has it`);
  }
};

/** Models that spell out what they hear in 30 s, one token after the other, in any of a hundred languages. */
export const whisper = {
  graphs: ['encoder', 'decoder'],
  example: '<recording>',

  async read(source: ModelSource) {
    const config = await requireSettingsFile(source, 'config.json', 'what the model is');
    const preprocessor = await requireSettingsFile(source, 'preprocessor_config.json', 'how sound becomes a tensor');
    const generation = await requireSettingsFile(
      source,
      'generation_config.json',
      'the tokens of languages, tasks and timestamps, which the model it was trained from has as well',
    );
    assertSpectrogram(preprocessor);
    const { feature_size: melBins = 80, chunk_length: seconds = 30 } = preprocessor;
    const { num_mel_bins: modelBins = melBins, max_source_positions: positions = 1_500 } = config;
    if (modelBins !== melBins)
      refuse(
        `"num_mel_bins" in config.json is ${modelBins}, "feature_size" in preprocessor_config.json ${melBins}: they are of different models`,
      );
    if (positions !== Number(seconds) * POSITIONS_PER_SECOND)
      refuse(
        `"max_source_positions" in config.json is ${positions}, expected ${POSITIONS_PER_SECOND} for each of the ${seconds} s of "chunk_length" in preprocessor_config.json`,
      );
    const { max_target_positions: maxTokens = 448, forced_decoder_ids: forced } = config;
    return {
      notes: missingFields(generation).map(
        (name) =>
          `generation_config.json has no "${name}": what needs it is refused; copy that of the model it was trained from`,
      ),
      // Models of before generation_config.json have their prompt in config.json, where transformers still looks for it.
      settings: {
        kind: 'whisper',
        melBins,
        seconds,
        maxTokens,
        generation: { ...generation, forced_decoder_ids: generation.forced_decoder_ids ?? forced },
      },
      resources: await readTokenizerFiles(source),
      files: ['config.json', 'preprocessor_config.json', 'generation_config.json'].map((path) => ({ path })),
    };
  },
} satisfies TaskRecipe;
