import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readZip } from '../../../src/formats/zip.ts';
import { zipOf } from '../zip-assembler.ts';
import { createNoise } from './noise.ts';

const FOLDER = 'test/fixtures/formats/keras';

const unpack = (path: string): Buffer => gunzipSync(readFileSync(join(FOLDER, path)));

export interface HostileCase {
  readonly name: string;
  readonly bytes: Buffer;
}

type Json = Readonly<Record<string, unknown>>;

const entriesOf = (path: string) => [...readZip(unpack(path))].map(([name, read]) => ({ name, content: read() }));

/** A `.keras` file whose layers are `layers`, one after the other. */
const sequenceOf = (...layers: readonly Json[]): Buffer => {
  const config = { class_name: 'Sequential', module: 'keras', config: { name: 's', layers } };
  const changed = entriesOf('keras-3/sequential.keras.gz').map((entry) =>
    entry.name === 'config.json' ? { ...entry, content: Buffer.from(JSON.stringify(config)) } : entry,
  );
  return zipOf(changed);
};

const layer = (className: string, config: Json): Json => ({
  class_name: className,
  module: 'keras.layers',
  config: { name: className.toLowerCase(), trainable: true, dtype: 'float32', ...config },
});

const input = (...shape: readonly unknown[]): Json => layer('InputLayer', { batch_shape: [null, ...shape] });

const HUGE = 2 ** 40;

const tensor = (name: string): Json => ({ class_name: '__keras_tensor__', config: { keras_history: [name, 0, 0] } });

/** A model whose only layer is a model, which it calls twice, and so on: 2^depth calls. */
const doubled = (depth: number): Json => {
  const inner = depth === 0 ? layer('ReLU', { name: 'inner' }) : { ...doubled(depth - 1) };
  const calls = [tensor('in'), tensor('inner')].map((given) => ({ args: [given], kwargs: {} }));
  return {
    class_name: 'Functional',
    module: 'keras',
    config: {
      name: 'inner',
      layers: [
        { ...layer('InputLayer', { name: 'in', batch_shape: [null, 2] }), inbound_nodes: [] },
        { ...inner, config: { ...Object(inner.config), name: 'inner' }, inbound_nodes: calls },
      ],
      input_layers: [['in', 0, 0]],
      output_layers: [['inner', 1, 0]],
    },
  };
};

const nested = (depth: number): Json => {
  let inner: Json = layer('ReLU', {});
  for (let level = 0; level < depth; level += 1)
    inner = { class_name: 'Sequential', module: 'keras', config: { name: `s${level}`, layers: [inner] } };
  return inner;
};

const cycle = (): Json => ({
  class_name: 'Functional',
  module: 'keras',
  config: {
    name: 'cycle',
    layers: ['a', 'b'].map((name, index, all) => ({
      ...layer('ReLU', { name }),
      inbound_nodes: [{ args: [tensor(all[1 - index] ?? '')], kwargs: {} }],
    })),
    input_layers: [],
    output_layers: [['b', 0, 0]],
  },
});

const CONFIGS: Readonly<Record<string, readonly Json[]>> = {
  'units of 2^40': [input(8), layer('Dense', { units: HUGE })],
  'no units': [input(8), layer('Dense', {})],
  'units as text': [input(8), layer('Dense', { units: '16' })],
  'an input of 2^40': [input(HUGE), layer('LayerNormalization', { scale: false, center: false })],
  'an input of no numbers': [input('a', {}), layer('ReLU', {})],
  'a negative input': [input(-5), layer('ReLU', {})],
  '2^40 categories': [input(3), layer('CategoryEncoding', { num_tokens: HUGE })],
  '-1 categories': [input(3), layer('CategoryEncoding', { num_tokens: -1 })],
  'a kernel of 2^40': [input(9, 9, 3), layer('Conv2D', { filters: 4, kernel_size: [HUGE, 3], strides: [0, 0] })],
  'strides of 0': [input(9, 9, 3), layer('MaxPooling2D', { pool_size: [2, 2], strides: [0, 0] })],
  'padding of 2^40': [input(9, 9, 3), layer('ZeroPadding2D', { padding: HUGE })],
  'padding of -1': [input(9, 9, 3), layer('ZeroPadding2D', { padding: -1 })],
  'cropping of everything': [input(9, 9, 3), layer('Cropping2D', { cropping: 20 })],
  'a vector 2^40 times': [input(9), layer('RepeatVector', { n: HUGE })],
  'a shape of fractions': [input(9), layer('Reshape', { target_shape: [0.5, 2] })],
  'a shape that does not fit': [input(9), layer('Reshape', { target_shape: [null, 4] })],
  'axes that are not there': [input(9), layer('Permute', { dims: [7] })],
  'groups of 0': [input(9, 9, 3), layer('GroupNormalization', { groups: 0 })],
  'a layer of __proto__': [input(9), layer('__proto__', {})],
  'a layer of constructor': [input(9), layer('constructor', {})],
  'an activation of toString': [input(9), layer('Activation', { activation: 'toString' })],
  'an activation in an activation': [input(9), layer('Activation', { activation: { class_name: { a: 1 } } })],
  'no input': [layer('ReLU', {})],
  'no layers': [],
  'layers that are no layers': [{ a: 1 }, { class_name: 7 }],
  'a wrapper without a layer': [input(4, 5), layer('TimeDistributed', {})],
  'directions without a layer': [input(4, 5), layer('Bidirectional', { layer: 7 })],
  'wrappers 500 deep': [
    input(4, 5),
    Array.from({ length: 500 }).reduce<Json>((inner) => layer('TimeDistributed', { layer: inner }), layer('ReLU', {})),
  ],
  'models 500 deep': [input(4), nested(500)],
  'models that double': [input(2), doubled(30)],
  'layers in a circle': [input(2), cycle()],
  'a vocabulary of objects': [input(2), layer('IntegerLookup', { vocabulary: [{}, []] })],
  'operands nested too deep': [input(2), layer('Rescaling', { scale: JSON.parse('['.repeat(500) + ']'.repeat(500)) })],
};

const zips = (): HostileCase[] => {
  const entries = entriesOf('keras-3/sequential.keras.gz');
  const bomb = { name: 'model.weights.h5', content: Buffer.alloc(300e6), isDeflated: true };
  const without = (name: string) => entries.filter((entry) => entry.name !== name);
  const withText = (name: string, text: string) => [...without(name), { name, content: Buffer.from(text) }];
  return [
    { name: 'a zip bomb', bytes: zipOf([...without('model.weights.h5'), bomb]) },
    { name: 'a path outside', bytes: zipOf([...entries, { name: '../../evil', content: Buffer.from('x') }]) },
    { name: 'an absolute path', bytes: zipOf([...entries, { name: '/etc/evil', content: Buffer.from('x') }]) },
    { name: 'an entry twice', bytes: zipOf([...entries, ...entries]) },
    { name: 'no config', bytes: zipOf(without('config.json')) },
    { name: 'no weights', bytes: zipOf(without('model.weights.h5')) },
    { name: 'weights that are text', bytes: zipOf(withText('model.weights.h5', 'hello')) },
    { name: 'a config that is text', bytes: zipOf(withText('config.json', 'hello')) },
    { name: 'a config that is null', bytes: zipOf(withText('config.json', 'null')) },
    { name: 'metadata that are a list', bytes: zipOf(withText('metadata.json', '[1]')) },
    { name: 'an empty file', bytes: Buffer.alloc(0) },
    { name: 'a page of HTML', bytes: Buffer.from('<!DOCTYPE html><html></html>') },
  ];
};

/** Cuts of a file, at places spread over it. */
const cuts = (name: string, bytes: Buffer, count: number): HostileCase[] =>
  Array.from({ length: count }, (_, index) => {
    const end = Math.floor((index * bytes.length) / count);
    return { name: `${name}, cut at byte ${end}`, bytes: bytes.subarray(0, end) };
  });

/** Copies of a file with some bytes changed. */
const flips = (name: string, bytes: Buffer, count: number): HostileCase[] =>
  Array.from({ length: count }, (_, index) => {
    const copy = Buffer.from(bytes);
    const places = createNoise([1 + (index % 8)], 'float', index * 16).map((at) =>
      Math.min(bytes.length - 1, Math.floor(((at + 2) / 4) * bytes.length)),
    );
    for (const at of places) copy[at] = (copy[at] ?? 0) ^ (1 << (index % 8));
    return { name: `${name}, bytes ${places.join(', ')} changed`, bytes: copy };
  });

/** Files that somebody made to do harm. */
function* madeFiles(): Generator<HostileCase> {
  for (const file of readdirSync(join(FOLDER, 'hostile'))) yield { name: file, bytes: unpack(join('hostile', file)) };
  for (const [name, layers] of Object.entries(CONFIGS)) yield { name, bytes: sequenceOf(...layers) };
  yield* zips();
}

/** Real files that were cut short, or in which bytes differ. */
function* damagedFiles(): Generator<HostileCase> {
  for (const file of ['keras-2/sequential.h5', 'keras-3/masking.h5', 'keras-3/sequential.keras']) {
    const bytes = unpack(`${file}.gz`);
    yield* cuts(file, bytes, 150);
    yield* flips(file, bytes, 700);
  }
}

/** Files that are refused, or read as the data that they are. */
export const HOSTILE_CASES = { made: madeFiles, damaged: damagedFiles };
