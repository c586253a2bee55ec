import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { bytesInMemory, withFileBytes } from '../../../src/core/byte-source.ts';
import { detectFormat } from '../../../src/formats/detect.ts';
import { describeRefusal, REFUSED_FORMATS, type RefusedFormat } from '../../../src/formats/refused-formats.ts';

const FOLDER = 'test/fixtures/formats/detect';
const detectBytes = (bytes: Buffer) => detectFormat(bytesInMemory(bytes));
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 18569500\n`;

describe('a file of a format that is converted', () => {
  it.each([
    ...[0, 1, 2, 3, 4, 5].map((protocol) => [`protocol-${protocol}.pkl`, 'pickle']),
    ...['raw', 'zlib', 'gzip'].map((name) => [`${name}.joblib`, 'pickle']),
    ['model.skops', 'skops'],
    ['model.keras', 'keras'],
    ['model.h5', 'hdf5'],
    ['xgboost.json', 'xgboost'],
    ['xgboost.ubj', 'xgboost'],
    ['lightgbm.txt', 'lightgbm'],
    ['neg', 'onnx'],
  ])('%s is recognised as %s', (file, format) => {
    expect(withFileBytes(join(FOLDER, file), detectFormat)).toBe(format);
  });

  it('graphs of every exporter are recognised', async () => {
    for (const file of ['efficientnet-lite0/onnx/model.onnx', 'iris/model.onnx', 'sentiment/model.onnx'])
      expect(withFileBytes(join('models', file), detectFormat)).toBe('onnx');
  });
});

/** Each format that is refused, a real file of it, and a part of the command for it. */
const REFUSED: Readonly<Record<RefusedFormat, readonly [file: string | Buffer, command: string]>> = {
  torch: ['state-dict.pt', 'load_state_dict(torch.load('],
  'torch-legacy': ['legacy.pth', 'load_state_dict(torch.load('],
  'torch-script': ['script.pt', 'torch.jit.load('],
  'torch-export': ['export.pt2', 'torch.export.load('],
  'torch-pickle': ['torch.pkl', 'torch.onnx.export(network.eval()'],
  torchserve: ['net.mar', 'unzip "'],
  safetensors: ['model.safetensors', 'optimum-cli export onnx --model'],
  'saved-model': ['saved-model/saved_model.pb', 'tf2onnx.convert --saved-model'],
  'frozen-graph': ['frozen.pb', 'tf2onnx.convert --graphdef'],
  tflite: ['model.tflite', 'tf2onnx.convert --tflite'],
  catboost: ['model.cbm', 'save_model("model.onnx", format="onnx")'],
  'xgboost-binary': ['xgboost.bin', 'save_model("model.json")'],
  pmml: ['model.pmml', 'joblib.dump(model, "model.joblib")'],
  'core-ml': ['model.mlmodel', 'onnxmltools.convert_coreml('],
  'core-ml-package': ['', 'torch.onnx.export('],
  gguf: ['model.gguf', 'llama-server --model'],
  ggml: ['ggml-tiny.bin', 'optimum-cli export onnx --model openai/whisper-tiny'],
  r: ['model.rds', 'xgb.save(model, "model.json")'],
  'spark-ml': ['', 'convert_sparkml('],
  paddle: ['inference.pdmodel', 'paddle2onnx --model_dir'],
  openvino: ['openvino/model.xml', 'optimum-cli export onnx'],
  tensorrt: ['model.engine', 'push the .onnx file that it was built from'],
  ort: ['model.ort', 'push the .onnx file that it was made of'],
  bzip2: ['bz2.joblib', 'bunzip2 --keep'],
  xz: ['xz.joblib', 'xz --decompress'],
  lz4: ['lz4.joblib', 'lz4 --decompress'],
  gzip: [gzipSync('a,b\n1,2\n'), 'push what is in it'],
  zip: [Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]), 'unzip "'],
  'git-lfs': [Buffer.from(pointer), 'git lfs pull'],
  'web-page': [Buffer.from('\n<!DOCTYPE html>\n<html lang="en"></html>'), '/resolve/'],
  empty: [Buffer.of(), 'copy or download it again'],
};
/** Folders, which `test/integration/cli-files.test.ts` refuses. */
const FOLDERS = ['core-ml-package', 'spark-ml'];

describe('a file of a format that is refused', () => {
  const formats = Object.keys(REFUSED_FORMATS) as RefusedFormat[];

  it.each(formats.filter((format) => !FOLDERS.includes(format)))('a file is recognised as %s', async (format) => {
    const [file] = REFUSED[format];
    expect(detectBytes(typeof file === 'string' ? await readFile(join(FOLDER, file)) : file)).toBe(format);
  });

  it.each([
    ['a whole module', 'module.pt', 'torch'],
    ['a pickle of a module', 'module.pkl', 'torch-pickle'],
    ['lzma', 'lzma.joblib', 'xz'],
  ] as const)('a file in another form is recognised, too: %s', (_what, file, format) => {
    expect(withFileBytes(join(FOLDER, file), detectFormat)).toBe(format);
  });

  it.each(formats)('the refusal of %s says what the file is, and has the command for it', (format) => {
    const message = describeRefusal(format, 'models/my model.bin', 'models');
    expect(message).toMatch(/^models\/my model\.bin is .+; /);
    expect(message).toContain(REFUSED[format][1]);
    expect(message).not.toMatch(/[{}]/);
  });
});

describe('a file of no known format', () => {
  it.each<[string, Buffer]>([
    ['a table', Buffer.from('age,fare\n1,2\n')],
    ['a JSON document', Buffer.from('{"id2label": {"0": "cat"}}')],
    ['a document that names XGBoost', Buffer.from('XGBoost: binary:logistic with gbtree')],
    ['an image', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
    ['bytes that only begin as zlib', Buffer.from([0x78, 0x9c, 0xff, 0xff, 0xff])],
    ['noise', Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * index * 7 + 11) % 251))],
  ])('%s is of no known format', (_what, bytes) => {
    expect(detectBytes(bytes)).toBeUndefined();
  });

  it('a name does not count', () => {
    expect(withFileBytes('package.json', detectFormat)).toBeUndefined();
  });

  it('a begin that unpacks without end is of no known format', () => {
    expect(detectBytes(deflateSync(Buffer.alloc(64 * 1024 * 1024)))).not.toBe('pickle');
  });

  it('every file that was cut short is told in less than its whole', async () => {
    for (const file of ['model.keras', 'model.tflite', 'frozen.pb', 'model.skops', 'neg']) {
      const bytes = await readFile(join(FOLDER, file));
      for (let length = 0; length < bytes.byteLength; length += 97)
        expect(() => detectBytes(bytes.subarray(0, length))).not.toThrow();
    }
  });
});
