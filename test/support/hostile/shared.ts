import { asPickle, bytes, global, pickleOf, reduce, text, tuple, uint32 } from '../pickle-assembler.ts';
import { pickles } from './case.ts';

type Entries = Readonly<Record<string, Uint8Array | string>>;

const BASE = { _sklearn_version: text('1.7.2'), n_features_in_: 'I2\n' } as const;

/** A fitted estimator of scikit-learn 1.7.2. */
const estimator = (module: string, name: string, state: Entries): Buffer =>
  pickleOf(
    global(`sklearn.${module}`, name),
    ')',
    0x81,
    '}',
    ...Object.entries({ ...BASE, ...state }).flatMap(([key, value]) => [text(key), value, 's']),
    'b',
  );

/** The same estimator many times, each an object of its own whose state refers to place 0 of the memo. */
const list = (count: number, one: Uint8Array): Buffer =>
  pickleOf('](', Buffer.concat(Array<Buffer>(count).fill(Buffer.from(one))), 'e');

/** An array float64[shape] of place 0 of the memo. */
const doubles = (content: Uint8Array, ...shape: readonly number[]): Buffer =>
  pickleOf(
    reduce(
      global('numpy.core.multiarray', '_reconstruct'),
      global('numpy', 'ndarray'),
      tuple('I0\n'),
      bytes(Buffer.from('b')),
    ),
    'q',
    0,
    tuple(
      'I1\n',
      tuple(...shape.map((size) => `I${size}\n`)),
      reduce(global('numpy', 'dtype'), text('f8')),
      'I00\n',
      bytes(content),
    ),
    'b0',
  );

const vote = (one: Uint8Array, count = 300): Buffer =>
  estimator('ensemble._voting', 'VotingRegressor', { estimators_: list(count, one), weights: 'N' });

const ridge = (columns: number): Buffer =>
  estimator('linear_model._ridge', 'Ridge', { coef_: 'h\0', intercept_: 'F0.5\n', n_features_in_: `I${columns}\n` });

const words = (count: number): Buffer =>
  pickleOf(
    '}q',
    0,
    '(',
    Buffer.concat(Array.from({ length: count }, (_, index) => pickleOf(text(`word${index}`), 'J', uint32(index)))),
    'u0',
  );

/** Models that are small in their file, whose estimators refer to the same large values. */
export const SHARED = pickles({
  'estimators that share an array of 10 MB': () =>
    asPickle(doubles(Buffer.alloc(10e6), 1_250_000), vote(ridge(1_250_000))),
  'estimators that share an array of 20 MB': () =>
    asPickle(doubles(Buffer.alloc(20e6), 2_500_000), vote(ridge(2_500_000))),
  'neighbours that share their rows': () =>
    asPickle(
      doubles(Buffer.alloc(9.6e6), 600_000, 2),
      vote(
        estimator('neighbors._regression', 'KNeighborsRegressor', {
          ...{ _fit_X: 'h\0', _y: 'h\0', n_neighbors: 'I3\n', metric: text('euclidean'), weights: text('uniform') },
        }),
      ),
    ),
  'estimators that are one estimator': () =>
    asPickle(doubles(Buffer.alloc(8e6), 2, 500_000), ridge(2), 'q', 1, '0', vote(pickleOf('h', 1), 9000)),
  'estimators that share a list of numbers': () =>
    asPickle('](', Buffer.alloc(9e6, pickleOf('G', Buffer.alloc(8, 0x3f))), 'eq', 0, '0', vote(ridge(1_000_000))),
  'vectorizers that share their vocabulary': () =>
    asPickle(
      words(300_000),
      estimator('pipeline', 'FeatureUnion', {
        transformer_list: list(
          300,
          tuple(
            text('words'),
            estimator('feature_extraction.text', 'CountVectorizer', { vocabulary_: 'h\0', analyzer: text('word') }),
          ),
        ),
      }),
    ),
  'ensembles of ensembles that share an array': () => {
    const inner = (depth: number, one: Uint8Array): Buffer =>
      depth === 0 ? Buffer.from(one) : inner(depth - 1, vote(one, 12));
    return asPickle(doubles(Buffer.alloc(1e6), 125_000), inner(3, ridge(125_000)));
  },
});
