import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { createSilence } from '../../../src/media/audio/wav.ts';
import { BLACK_PIXEL } from '../../../src/media/image/input.ts';

/** A request as the application takes it, built from the grammars of its protocols, and perhaps broken. */
export interface FuzzedRequest {
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const PIXEL = BLACK_PIXEL.toString('base64');
const SOUND = Buffer.from(createSilence(0.1, 8_000)).toString('base64');

/** Values that programs forget. */
const ODD = fc.constantFrom<unknown>(
  ...[null, true, '', 'NaN', '\u0000', '\ud800', '__proto__', -1, 0.5, 1e300, 1e-320, 2 ** 53, [], {}, [[]], [null]],
  ...[
    JSON.parse(`{"__proto__":{"polluted":1}}`),
    { s3: 'uploads/iris/../keys' },
    { s3: 5 },
    { toString: 1, valueOf: 1 }, // no text can be made of it
    { constructor: { prototype: {} } },
  ],
);

const NUMBER = fc.oneof(
  { weight: 4, arbitrary: fc.float({ noNaN: true, min: -100, max: 100 }) },
  { weight: 1, arbitrary: ODD },
);
const TEXT = fc.oneof({ weight: 4, arbitrary: fc.string({ maxLength: 40 }) }, { weight: 1, arbitrary: ODD });

const listOf = <T>(element: fc.Arbitrary<T>, length?: number) =>
  fc.array(element, length === undefined ? { maxLength: 4 } : { minLength: length, maxLength: length });

const oneOrMany = <T>(element: fc.Arbitrary<T>) => fc.oneof(element, listOf(element));

const row = (columns: number) =>
  fc.oneof({ weight: 3, arbitrary: listOf(NUMBER, columns) }, { weight: 1, arbitrary: listOf(NUMBER) });

const IMAGES = fc.constantFrom<unknown>(PIXEL, `data:image/png;base64,${PIXEL}`, `${PIXEL.slice(0, 40)}=`, 5);
const SOUNDS = fc.constantFrom<unknown>(SOUND, SOUND.slice(0, 80), 'UklGRg==', []);

/** Inputs of each model of the task API: every task has one. */
const INPUTS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  iris: fc.oneof(row(4), fc.array(row(4), { maxLength: 3 })),
  'tabular-ridge': oneOrMany(row(3)),
  sentiment: oneOrMany(fc.oneof(TEXT, fc.record({ text: TEXT, text_pair: TEXT }, { requiredKeys: ['text'] }))),
  'tiny-bert-ner': oneOrMany(TEXT),
  'tiny-bert-sentences': fc.oneof(oneOrMany(TEXT), fc.record({ source_sentence: TEXT, sentences: listOf(TEXT) })),
  'retail-recommender': fc.record({ history: listOf(fc.constantFrom('85123A', '22423', 'x')) }),
  'efficientnet-lite0': IMAGES,
  'tiny-detr': IMAGES,
  'tiny-wav2vec2': SOUNDS,
  'tiny-whisper': SOUNDS,
  'tiny-marian': oneOrMany(TEXT),
  'tiny-gpt2': fc.oneof(oneOrMany(TEXT), fc.record({ tokens: listOf(NUMBER) })),
};

const PARAMETERS = fc.dictionary(
  fc.constantFrom(
    ...['top_k', 'function_to_apply', 'stride', 'pooling', 'aggregation_strategy', '__proto__', 'x'],
    ...['threshold', 'num_beams', 'max_new_tokens', 'temperature', 'stop', 'return_timestamps', 'src_lang'],
  ),
  fc.oneof(
    fc.integer({ min: -2, max: 5 }),
    fc.constantFrom<unknown>('none', 'simple', 'mean', null, [], { toString: 1 }, 1e9),
  ),
  { maxKeys: 2 },
);

const DATATYPES = ['FP32', 'FP32', 'FP32', 'FP64', 'INT64', 'BYTES', 'FP16', 'BOOL', 'BF16'];
const SIZE = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) }, { weight: 1, arbitrary: ODD });

const tensorOf = (names: readonly string[], shape: readonly number[]) =>
  fc.record({
    name: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: ODD }),
    datatype: fc.constantFrom(...DATATYPES),
    shape: fc.oneof<fc.Arbitrary<unknown>[]>(fc.constant(shape), fc.constant(shape), listOf(SIZE)),
    data: fc.oneof(
      listOf(
        NUMBER,
        shape.reduce((product, size) => product * size, 1),
      ),
      listOf(NUMBER),
    ),
  });

/** The inputs of models that are served as tensors, with a shape that each takes. */
const TENSORS: readonly (readonly [model: string, names: readonly string[], shape: readonly number[]])[] = [
  ['add', ['a', 'b'], [1, 3]],
  ['iris', ['X'], [1, 4]],
  ['retail-recommender', ['history'], [1, 2]],
  ['tiny-wav2vec2', ['input_values'], [1, 4]],
];

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? '');
const JSON_TYPE = { 'content-type': 'application/json' };

const taskRequest = fc.constantFrom(...Object.keys(INPUTS)).chain((model) =>
  fc.record({ inputs: INPUTS[model] ?? ODD, parameters: PARAMETERS }, { requiredKeys: ['inputs'] }).map((document) => ({
    ...{ path: `/models/${model}`, query: '', headers: JSON_TYPE, body: json(document) },
  })),
);

const inferDocument = fc.constantFrom(...TENSORS).chain(([model, names, shape]) =>
  fc
    .record(
      {
        inputs: fc.oneof(fc.tuple(...names.map((name) => tensorOf([name], shape))), listOf(tensorOf(names, shape))),
        id: TEXT,
        outputs: listOf(fc.record({ name: TEXT })),
      },
      { requiredKeys: ['inputs'] },
    )
    .map((document) => ({ path: `/v2/models/${model}/infer`, query: '', headers: JSON_TYPE, document })),
);

const inferRequest = inferDocument.map(({ document, ...rest }) => ({ ...rest, body: json(document) }));

/** Tensors as bytes, of which the header and the JSON may tell another size. */
const binaryRequest = fc
  .tuple(fc.uint8Array({ maxLength: 32 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: -2, max: 2 }))
  .map(([bytes, size, off]) => {
    const tensor = (name: string) => ({
      name,
      datatype: 'FP32',
      shape: [1, 3],
      parameters: { binary_data_size: size },
    });
    const head = json({ inputs: [tensor('a'), tensor('b')] });
    return {
      ...{ path: '/v2/models/add/infer', query: '', body: Buffer.concat([head, bytes]) },
      headers: { 'inference-header-content-length': String(head.byteLength + off) },
    };
  });

const instancesRequest = fc.constantFrom('iris', 'sentiment', 'add').chain((model) =>
  listOf(INPUTS[model] ?? listOf(NUMBER)).map((instances) => ({
    ...{ path: `/v1/models/${model}:predict`, query: '', headers: JSON_TYPE, body: json({ instances }) },
  })),
);

const embeddingsRequest = fc
  .record(
    { model: fc.constantFrom('tiny-bert-sentences', 'iris', 'x@y'), input: oneOrMany(TEXT), dimensions: NUMBER },
    { requiredKeys: ['model', 'input'] },
  )
  .map((document) => ({ path: '/v1/embeddings', query: '', headers: JSON_TYPE, body: json(document) }));

const MESSAGE = fc.record({ role: fc.constantFrom('user', 'system', 'tool', 'x'), content: TEXT });

const completionRequest = fc
  .record(
    {
      model: fc.constantFrom('tiny-gpt2', 'iris', 'tiny-gpt2@none'),
      prompt: oneOrMany(TEXT),
      messages: listOf(MESSAGE),
      max_tokens: fc.oneof(fc.integer({ min: 1, max: 4 }), ODD),
      stop: oneOrMany(TEXT),
      temperature: NUMBER,
      logprobs: fc.oneof(fc.nat(3), ODD),
    },
    { requiredKeys: ['model', 'prompt', 'max_tokens'] },
  )
  .map((document) => ({
    path: 'messages' in document ? '/v1/chat/completions' : '/v1/completions',
    ...{ query: '', headers: JSON_TYPE, body: json(document) },
  }));

const FEEDBACK = fc.record(
  {
    id: fc.oneof(fc.constant('20261126-1-0123456789abcdef0123456789abcdef-iris'), ODD),
    row: fc.oneof(fc.nat(3), ODD),
    label: TEXT,
    value: NUMBER,
    time: fc.oneof(fc.constant('2026-11-26'), ODD),
  },
  { requiredKeys: ['id'] },
);

const feedbackRequest = fc
  .tuple(fc.constantFrom('/feedback', '/models/iris/feedback', '/models/x/feedback'), oneOrMany(FEEDBACK))
  .map(([path, document]) => ({ path, query: '', headers: JSON_TYPE, body: json(document) }));

/** A URL for an object, and an answer with a place. */
const storedRequest = fc.oneof(
  fc
    .record(
      {
        model: fc.constantFrom<unknown>('iris', 'sentiment', 'nothing', '../iris', 5),
        name: fc.oneof(fc.constantFrom('a.csv', 'a.json', '../a'), ODD),
        sizeBytes: fc.oneof(fc.integer({ min: 1, max: 100 }), ODD),
        contentType: fc.constantFrom<unknown>('text/csv', 'text/csv\r\nx-amz-acl: public-read', 5),
        sha256: fc.constantFrom<unknown>('0'.repeat(64), 'x', null),
        predict: fc.oneof(fc.boolean(), ODD),
      },
      { requiredKeys: ['model'] },
    )
    .map((document) => ({ path: '/uploads', query: '', headers: JSON_TYPE, body: json(document) })),
  fc
    .tuple(
      row(4),
      fc.oneof(
        fc.uuid().map((id) => ({ s3: `outputs/iris/${id}` })),
        fc.record({ s3: TEXT }),
        ODD,
      ),
    )
    .map(([inputs, output]) => ({
      ...{ path: '/models/iris', query: '', headers: JSON_TYPE },
      body: json({ inputs: [inputs], output }),
    })),
);

const repositoryRequest = fc
  .tuple(
    fc.constantFrom('index', 'models/iris/load', 'models/iris/unload', 'models/x/load'),
    fc.record({ ready: fc.oneof(fc.boolean(), ODD), parameters: PARAMETERS }, { requiredKeys: [] }),
  )
  .map(([path, document]) => ({
    ...{ path: `/v2/repository/${path}`, query: '', headers: JSON_TYPE, body: json(document) },
  }));

const RAW_TYPES = [
  'text/plain',
  'text/csv',
  'image/png',
  'audio/wav',
  'application/jsonl',
  'application/octet-stream',
  '',
];

const rawRequest = fc
  .tuple(
    fc.constantFrom(...Object.keys(INPUTS)),
    fc.constantFrom(...RAW_TYPES),
    fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.constantFrom('1,2,3,4\n', 'a text', '"a"\n"b"\n').map((text) => Buffer.from(text)),
    ),
    fc.constantFrom('', 'top_k=1', 'top_k=%5B%5D', '__proto__=1', 'top_k=1&top_k=2'),
  )
  .map(([model, type, body, query]) => ({ path: `/models/${model}`, query, headers: { 'content-type': type }, body }));

const insert = (body: Uint8Array, at: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([body.subarray(0, at), bytes, body.subarray(at)]);

type Break = (request: FuzzedRequest, at: number) => FuzzedRequest;

const BREAKS: readonly Break[] = [
  (request, at) => ({ ...request, body: request.body.subarray(0, at) }),
  (request, at) => ({ ...request, body: insert(request.body, at, Buffer.from([0xff, 0x00])) }),
  (request) => ({ ...request, body: insert(request.body, 0, Buffer.from('\ufeff')) }),
  (request) => ({ ...request, body: insert(request.body, 1, Buffer.from('"inputs":1,"__proto__":{"polluted":1},')) }),
  (request) => ({ ...request, body: Buffer.from(`${'['.repeat(50_000)}`) }),
  (request) => ({ ...request, body: Buffer.concat([request.body, Buffer.alloc(200_000, '\n')]) }),
  (request) => ({ ...request, headers: { ...request.headers, 'content-encoding': 'gzip' } }),
  (request) => ({
    ...request,
    headers: { ...request.headers, 'content-encoding': 'gzip' },
    body: gzipSync(request.body),
  }),
  (request) => ({
    ...request,
    headers: { ...request.headers, 'content-encoding': 'gzip' },
    body: gzipSync(Buffer.alloc(11_000_000, 32)),
  }),
  (request) => ({ ...request, headers: { ...request.headers, 'x-request-id': 'a\r\nset-cookie: b' } }),
  (request) => ({ ...request, headers: { ...request.headers, 'content-type': 'application/json; charset=utf-16' } }),
  (request) => ({ ...request, headers: { ...request.headers, 'inference-header-content-length': '-1' } }),
  (request) => ({ ...request, path: `${request.path}%00` }),
  (request) => ({ ...request, headers: { ...request.headers, prefer: 'respond-async, wait=-1' } }),
];

const whole: fc.Arbitrary<FuzzedRequest> = fc.oneof(
  { weight: 4, arbitrary: taskRequest },
  { weight: 3, arbitrary: inferRequest },
  { weight: 1, arbitrary: binaryRequest },
  { weight: 1, arbitrary: instancesRequest },
  { weight: 1, arbitrary: embeddingsRequest },
  { weight: 1, arbitrary: completionRequest },
  { weight: 1, arbitrary: feedbackRequest },
  { weight: 1, arbitrary: repositoryRequest },
  { weight: 1, arbitrary: storedRequest },
  { weight: 2, arbitrary: rawRequest },
);

/** Requests of every protocol, half of which are broken. */
export const fuzzedRequests: fc.Arbitrary<FuzzedRequest> = fc
  .tuple(whole, fc.option(fc.constantFrom(...BREAKS), { freq: 2 }), fc.nat())
  .map(([request, breakIt, at]) => (breakIt ? breakIt(request, at % (request.body.byteLength + 1)) : request));
