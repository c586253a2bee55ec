import type { Converters } from '../layer.ts';
import { ADAPTIVE_POOLINGS } from './adaptive-pooling.ts';
import { ATTENTION } from './attention.ts';
import { CATEGORIES } from './categories.ts';
import { CONVOLUTIONS } from './convolutions.ts';
import { CORE } from './core.ts';
import { MERGINGS } from './merging.ts';
import { NORMALIZATIONS } from './normalizations.ts';
import { POOLINGS } from './pooling.ts';
import { RECURRENT } from './recurrent.ts';
import { RESIZINGS } from './resizing.ts';
import { SHAPES } from './shapes.ts';
import { WRAPPERS } from './wrappers.ts';

/** Converters by the class of the layer. */
export const LAYERS: Converters = {
  ...CORE,
  ...CONVOLUTIONS,
  ...POOLINGS,
  ...ADAPTIVE_POOLINGS,
  ...NORMALIZATIONS,
  ...SHAPES,
  ...RESIZINGS,
  ...MERGINGS,
  ...RECURRENT,
  ...ATTENTION,
  ...CATEGORIES,
  ...WRAPPERS,
};

/** Layers that take any type of element. The others compute with float32. */
export const ANY_TYPE: ReadonlySet<string> = new Set([
  ...['Embedding', 'Flatten', 'Reshape', 'Permute', 'RepeatVector', 'Identity', 'Dropout', 'TimeDistributed'],
  ...Object.keys(CATEGORIES),
]);

/** Layers that pass the mask of their input on. Others drop it, or make one themselves. */
export const KEEPS_MASK: ReadonlySet<string> = new Set([
  ...['Dense', 'Activation', 'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'ThresholdedReLU', 'Identity'],
  ...['Dropout', 'SpatialDropout1D', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise', 'ActivityRegularization'],
  ...['BatchNormalization', 'LayerNormalization', 'GroupNormalization', 'UnitNormalization'],
]);

/** Layers that make a mask, or join those of their inputs. */
export const MAKES_MASK: ReadonlySet<string> = new Set([
  ...['Embedding', 'Masking', ...Object.keys(MERGINGS), ...Object.keys(RECURRENT), ...Object.keys(ATTENTION)],
  'TimeDistributed',
]);

/** Why layers of Keras itself cannot be converted, and what to do. */
export const REASONS: Readonly<Record<string, string>> = {
  Lambda: 'it holds compiled Python code, which is not run here; replace it by a layer, or by operations of keras.ops',
  TextVectorization:
    'no operator of ONNX divides texts as it does; give the model the integers that the layer makes, as a second model',
  Hashing: 'no operator of ONNX computes its hash; use StringLookup or IntegerLookup',
  HashedCrossing: 'no operator of ONNX computes its hash; use StringLookup or IntegerLookup',
};
