/** Ends of architectures whose tasks have other names. */
const TASK_OF_HEAD: ReadonlyMap<string, string> = new Map([
  ['sequence-classification', 'text-classification'],
  ['masked-lm', 'fill-mask'],
  ['causal-lm', 'text-generation'],
  ['ctc', 'automatic-speech-recognition'],
  ['speech-seq2-seq', 'automatic-speech-recognition'],
]);

/** Architectures of an encoder and a decoder have one end for all tasks: their `model_type` decides. */
const GENERATOR = /ForConditionalGeneration$|MTModel$|EncoderDecoderModel$/;
const TASK_OF_GENERATOR: ReadonlyMap<unknown, string> = new Map([
  ['whisper', 'automatic-speech-recognition'],
  ['speech-encoder-decoder', 'automatic-speech-recognition'],
  ['vision-encoder-decoder', 'image-to-text'],
  ['marian', 'translation'],
  ['t5', 'translation'],
  ['mt5', 'translation'],
  ['m2m_100', 'translation'],
  ['bart', 'summarization'],
  ['pegasus', 'summarization'],
  ['bigbird_pegasus', 'summarization'],
  ['longt5', 'summarization'],
]);

const kebab = (words: string): string => words.replaceAll(/(?<=[a-z0-9])[A-Z]/g, '-$&').toLowerCase();

/** The task of an architecture of `transformers`, such as `BertForTokenClassification`; undefined for an encoder without a head. */
export const taskOfArchitecture = (architecture: string, modelType: unknown): string | undefined => {
  if (GENERATOR.test(architecture)) return TASK_OF_GENERATOR.get(modelType);
  if (architecture.endsWith('LMHeadModel')) return 'text-generation';
  const [, head] = /For([A-Z]\w*?)(WithTeacher)?$/.exec(architecture) ?? [];
  return head === undefined ? undefined : (TASK_OF_HEAD.get(kebab(head)) ?? kebab(head));
};

/** Tasks that one and the same kind of model is trained for, such as T5 and BART. */
const TEXT_TO_TEXT: ReadonlySet<unknown> = new Set(['translation', 'summarization']);

/**
 * The sign that tells a model of `architecture` that translates from one that summarises: the card or the settings.
 * @param tasks names in `task_specific_params`
 */
export const textToTextSign = (
  architecture: string,
  modelType: unknown,
  signs: { readonly tag: unknown; readonly card: string | undefined; readonly tasks: readonly string[] },
): { readonly task: string; readonly sign: string } | undefined => {
  if (!GENERATOR.test(architecture) || !TEXT_TO_TEXT.has(TASK_OF_GENERATOR.get(modelType))) return undefined;
  const { tag, card, tasks } = signs;
  if (typeof tag === 'string' && TEXT_TO_TEXT.has(tag))
    return { task: tag, sign: `pipeline_tag ${tag} in config.json` };
  if (card !== undefined && TEXT_TO_TEXT.has(card)) return { task: card, sign: `pipeline_tag ${card} in README.md` };
  const translates = tasks.some((task) => task.startsWith('translation'));
  if (translates === tasks.includes('summarization')) return undefined;
  return { task: translates ? 'translation' : 'summarization', sign: 'task_specific_params in config.json' };
};

/** An encoder without a head, such as `BertModel`. */
export const isEncoder = (architecture: string): boolean =>
  architecture.endsWith('Model') && !GENERATOR.test(architecture);

type Input = 'audio' | 'images' | 'images and text' | 'audio and text' | 'documents';

/**
 * Model types by their input, for those whose architecture may name another one: `Wav2Vec2ForSequenceClassification` takes audio.
 * https://github.com/huggingface/transformers/blob/main/src/transformers/models/auto/modeling_auto.py
 */
const TYPES: Readonly<Record<Input, string>> = {
  audio: `audio-spectrogram-transformer dac data2vec-audio encodec hubert mctct mimi moonshine parakeet_ctc parakeet_encoder sew sew-d
    speech_to_text speecht5 unispeech unispeech-sat wav2vec2 wav2vec2-bert wav2vec2-conformer wavlm whisper`,
  images: `beit bit chinese_clip_vision_model clip_vision_model convnext convnextv2 cvt data2vec-vision deit dinat dinov2
    dinov2_with_registers dinov3_convnext dinov3_vit dpt efficientformer efficientnet focalnet hiera ijepa imagegpt levit mobilenet_v1
    mobilenet_v2 mobilevit mobilevitv2 nat poolformer pvt pvt_v2 regnet resnet siglip_vision_model siglip2_vision_model swiftformer swin
    swinv2 timm_wrapper van vit vit_hybrid vit_mae vit_msn`,
  'images and text': `align altclip blip blip-2 bridgetower chinese_clip clip clipseg flava git grounding-dino groupvit lxmert metaclip_2
    mm-grounding-dino omdet-turbo owlv2 owlvit siglip siglip2 vilt vision-text-dual-encoder visual_bert xclip`,
  'audio and text': 'clap',
  documents: 'bros layoutlm layoutlmv2 layoutlmv3 lilt markuplm udop',
};

const INPUT_OF_TYPE: ReadonlyMap<unknown, string> = new Map(
  Object.entries(TYPES).flatMap(([input, types]) => types.split(/\s+/).map((type) => [type, input] as const)),
);

/** Tasks of models that take no text, by their input and by the task that their folder seems to name. */
const OTHER_TASKS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  audio: { 'text-classification': 'audio-classification', 'image-classification': 'audio-classification' },
  images: { 'feature-extraction': 'image-feature-extraction' },
  'images and text': { 'object-detection': 'zero-shot-object-detection' },
};
const TEXT_TASKS = ['text-classification', 'token-classification', 'feature-extraction'];

/** The task of a model of `modelType` whose folder seems to name `task`: such as audio-classification for a text-classification of audio. */
export const taskOfInput = (task: string, modelType: unknown): string => {
  const input = INPUT_OF_TYPE.get(modelType);
  if (input === undefined) return task;
  return OTHER_TASKS[input]?.[task] ?? (TEXT_TASKS.includes(task) ? `${task} of ${input}` : task);
};
