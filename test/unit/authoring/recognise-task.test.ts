import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { recogniseTask } from '../../../src/authoring/recognise-task.ts';
import { findModel } from '../../../src/source/model-source.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recognise-task-'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
};

describe('the task', () => {
  const recognise = async (files: Readonly<Record<string, string>>) => {
    await put({ 'model.onnx': '', ...files });
    return recogniseTask(await findModel(folder));
  };
  const config = (value: unknown) => ({ 'config.json': JSON.stringify(value) });
  const card = '---\nlicense: mit\npipeline_tag: image-classification\n---\n# A model\n';

  it.each([
    [
      'image-classification',
      'ViTForImageClassification in config.json',
      config({ architectures: ['ViTForImageClassification'] }),
    ],
    [
      'image-classification',
      'DeiTForImageClassificationWithTeacher in config.json',
      config({ architectures: ['DeiTForImageClassificationWithTeacher'] }),
    ],
    [
      'image-classification',
      'pipeline_tag image-classification in config.json',
      config({ pipeline_tag: 'image-classification' }),
    ],
    ['image-classification', 'pipeline_tag image-classification in README.md', { 'README.md': card }],
    [
      'image-classification',
      'pipeline_tag image-classification in README.md',
      { ...config({ architectures: ['ViTModel'] }), 'README.md': card.replaceAll('\n', '\r\n') },
    ],
    [
      'image-classification',
      'id2label in config.json, with preprocessor_config.json',
      { ...config({ id2label: { 0: 'cat' } }), 'preprocessor_config.json': '{}' },
    ],
    [
      'tensor',
      'neither config.json nor README.md names a task; --task does, such as tabular-classification',
      config({ id2label: { 0: 'cat' } }),
    ],
    [
      'tensor',
      'neither config.json nor README.md names a task; --task does, such as tabular-classification',
      config({ hidden_size: 3 }),
    ],
    [
      'tensor',
      'neither config.json nor README.md names a task; --task does, such as tabular-classification',
      { 'README.md': 'pipeline_tag: image-classification' },
    ],
  ])('the task is %s because of %s', async (task, reason, files) => {
    expect(await recognise(files)).toEqual({ task, reason });
  });

  it.each(['model_fp16.onnx', 'onnx/model_quantized.onnx'])(
    'the task of the file %s is that of its folder',
    async (path) => {
      await put({ [path]: '', ...config({ architectures: ['ViTForImageClassification'] }) });
      expect(await recogniseTask(await findModel(join(folder, path)))).toMatchObject({ task: 'image-classification' });
    },
  );

  it.each(['LlamaForCausalLM', 'GPT2LMHeadModel'])('the task of %s is text-generation', async (architecture) => {
    expect(await recognise(config({ architectures: [architecture] }))).toMatchObject({ task: 'text-generation' });
  });

  it('the task of a file alone is tensor', async () => {
    await put({ 'model.onnx': '', 'README.md': card });
    expect(await recogniseTask(await findModel(join(folder, 'model.onnx')))).toMatchObject({ task: 'tensor' });
  });

  it.each([
    ['SegformerForSemanticSegmentation', 'semantic-segmentation'],
    ['BertForConstructor', 'constructor'],
  ])('%s, whose task is not served, is refused with the way round', async (architecture, task) => {
    await expect(recognise(config({ architectures: [architecture] }))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(new RegExp(`^${architecture}.* task ${task}, .*--task tensor`)),
    });
  });

  const tokenizer = { 'tokenizer_config.json': '{}' };
  const images = { 'preprocessor_config.json': '{}' };

  it.each([
    ['text-classification', 'BertForSequenceClassification', 'bert', {}],
    ['token-classification', 'XLMRobertaForTokenClassification', 'xlm-roberta', {}],
    ['feature-extraction', 'DistilBertModel', 'distilbert', tokenizer],
    ['feature-extraction', 'CLIPTextModel', 'clip_text_model', tokenizer],
    ['automatic-speech-recognition', 'WavLMForCTC', 'wavlm', tokenizer],
    ['image-classification', 'CLIPForImageClassification', 'clip', images],
    ['object-detection', 'DetrForObjectDetection', 'detr', images],
    ['tensor', 'HubertModel', 'hubert', {}],
    ['tensor', 'ViTModel', 'vit', images],
  ])('the task is %s for %s of the type %s', async (task, architecture, type, files) => {
    const recognised = recognise({ ...config({ architectures: [architecture], model_type: type }), ...files });
    expect((await recognised).task).toBe(task);
  });

  const SUMMARY = { task_specific_params: { summarization: {} } };
  const BOTH = { task_specific_params: { summarization: {}, translation_en_to_fr: {} } };
  const summaries = { 'README.md': card.replace('image-classification', 'summarization') };

  it.each([
    ['summarization', 'BartForConditionalGeneration', 'bart', {}, {}],
    ['summarization', 'PegasusForConditionalGeneration', 'pegasus', {}, {}],
    ['summarization', 'T5ForConditionalGeneration', 't5', SUMMARY, {}],
    ['summarization', 'T5ForConditionalGeneration', 't5', BOTH, summaries],
    ['summarization', 'MT5ForConditionalGeneration', 'mt5', { pipeline_tag: 'summarization' }, {}],
    ['summarization', 'MBartForConditionalGeneration', 'mbart', {}, summaries],
    ['translation', 'T5ForConditionalGeneration', 't5', BOTH, {}],
    ['translation', 'T5ForConditionalGeneration', 't5', {}, {}],
    ['translation', 'BartForConditionalGeneration', 'bart', { task_specific_params: { translation_a_to_b: {} } }, {}],
    ['text-classification', 'BartForSequenceClassification', 'bart', SUMMARY, summaries],
  ])('the task is %s for %s of the type %s with %j and %j', async (task, architecture, type, fields, files) => {
    const settings = config({ architectures: [architecture], model_type: type, ...fields });
    expect((await recognise({ ...settings, ...files })).task).toBe(task);
  });

  it.each([
    ['wav2vec2', 'Wav2Vec2ForSequenceClassification', 'audio-classification'],
    ['wav2vec2-bert', 'Wav2Vec2BertForSequenceClassification', 'audio-classification'],
    ['wav2vec2-conformer', 'Wav2Vec2ConformerForSequenceClassification', 'audio-classification'],
    ['hubert', 'HubertForSequenceClassification', 'audio-classification'],
    ['wavlm', 'WavLMForSequenceClassification', 'audio-classification'],
    ['unispeech', 'UniSpeechForSequenceClassification', 'audio-classification'],
    ['unispeech-sat', 'UniSpeechSatForSequenceClassification', 'audio-classification'],
    ['sew', 'SEWForSequenceClassification', 'audio-classification'],
    ['sew-d', 'SEWDForSequenceClassification', 'audio-classification'],
    ['data2vec-audio', 'Data2VecAudioForSequenceClassification', 'audio-classification'],
    ['whisper', 'WhisperForAudioClassification', 'audio-classification'],
    ['audio-spectrogram-transformer', 'ASTForAudioClassification', 'audio-classification'],
    ['wavlm', 'WavLMForAudioFrameClassification', 'audio-frame-classification'],
    ['hubert', 'HubertModel', 'feature-extraction of audio'],
    ['clap', 'ClapModel', 'feature-extraction of audio and text'],
    ['vit', 'ViTModel', 'image-feature-extraction'],
    ['clip', 'CLIPModel', 'feature-extraction of images and text'],
    ['siglip', 'SiglipModel', 'feature-extraction of images and text'],
    ['vision-encoder-decoder', 'VisionEncoderDecoderModel', 'image-to-text'],
    ['owlvit', 'OwlViTForObjectDetection', 'zero-shot-object-detection'],
    ['grounding-dino', 'GroundingDinoForObjectDetection', 'zero-shot-object-detection'],
    ['layoutlmv3', 'LayoutLMv3ForSequenceClassification', 'text-classification of documents'],
    ['lilt', 'LiltForTokenClassification', 'token-classification of documents'],
    ['bert', 'BertForMaskedLM', 'fill-mask'],
  ])('the model type %s with %s means %s, which is not served', async (type, architecture, task) => {
    const files = { ...config({ architectures: [architecture], model_type: type }), ...tokenizer };
    await expect(recognise(files)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(
        new RegExp(`^${architecture} in config\\.json.* means the task ${task}, served are .*; --task tensor serves`),
      ),
    });
  });

  it.each([
    [
      'the task feature-extraction in its card',
      { 'README.md': card.replace('image-classification', 'feature-extraction') },
      'feature-extraction of audio',
    ],
    ['labels and a preprocessor', images, 'audio-classification'],
  ])('an audio model with %s is no model of text or images', async (_sign, files, task) => {
    const settings = config({ model_type: 'wav2vec2', id2label: { 0: 'happy' } });
    await expect(recognise({ ...settings, ...files })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(`means the task ${task}, served are`),
    });
  });

  it.each(['{"architectures":', '[]', 'null'])(
    'the task is not guessed from a broken config.json: %s',
    async (text) => {
      await expect(recognise({ 'config.json': text })).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('config.json'),
      });
    },
  );
});
