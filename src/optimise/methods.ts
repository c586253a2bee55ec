import { refuse } from '../core/errors.ts';
import type { GraphDocument } from '../onnx/graph-document.ts';
import type { Calibration } from './calibration.ts';
import { float16Weights } from './passes/float16-weights.ts';
import { int4Weights } from './passes/int4-weights.ts';
import { dynamicInt8 } from './passes/int8-dynamic.ts';
import { staticInt8 } from './passes/int8-static.ts';
import type { Bits } from './passes/quantise-weights.ts';
import type { Ranges } from './passes/unsigned.ts';

/** Choices of a method for one graph. */
export interface MethodInput {
  readonly document: GraphDocument;
  readonly bits: Bits;
  /** Layers that stay in float32. */
  readonly keep: ReadonlySet<string>;
  /** Ranges of the graph's tensors, measured on samples. */
  readonly ranges: Ranges;
}

interface Method {
  readonly apply: (input: MethodInput) => GraphDocument;
  /** The way to ranges, for a method that needs them. */
  readonly calibration?: Calibration;
  /** False for a method that has no layers to keep in float32. */
  readonly hasLayers: boolean;
  /** The version of ONNX's operators that the method needs. */
  readonly opset: number;
}

const staticMethod = (calibration: Calibration): Method => ({
  apply: ({ document, bits, keep, ranges }) => staticInt8(document, { bits, keep, ranges }),
  calibration,
  hasLayers: true,
  opset: 13, // scales for channels
});

const METHODS = {
  structure: { apply: ({ document }) => document, hasLayers: false, opset: 1 },
  'float16-weights': { apply: ({ document }) => float16Weights(document), hasLayers: false, opset: 6 },
  'int8-dynamic': {
    apply: ({ document, bits, keep }) => dynamicInt8(document, bits, keep),
    hasLayers: true,
    opset: 11, // DynamicQuantizeLinear
  },
  'int8-static': staticMethod('minmax'),
  'int8-static-percentile': staticMethod('percentile'),
  'int8-static-entropy': staticMethod('entropy'),
  'int4-weights': { apply: ({ document, keep }) => int4Weights(document, keep), hasLayers: true, opset: 1 },
} as const satisfies Record<string, Method>;

export type MethodName = keyof typeof METHODS;

export const METHOD_NAMES = Object.keys(METHODS) as readonly MethodName[];

export const methodOf = (name: MethodName): Method => METHODS[name];

/** 4-bit weights pay where a graph runs for one token at a time. */
export const defaultMethods = (roles: readonly string[]): readonly MethodName[] =>
  METHOD_NAMES.filter((name) => name !== 'int4-weights' || roles.includes('decoder'));

/** Methods by their names between commas. @throws `INVALID_REQUEST` naming those that there are */
export const parseMethods = (text: string): MethodName[] =>
  text
    .split(',')
    .map(
      (name) =>
        METHOD_NAMES.find((known) => known === name.trim()) ??
        refuse(
          'INVALID_REQUEST',
          `--methods has ${name.trim() || 'an empty name'}, expected some of ${METHOD_NAMES.join(', ')}`,
        ),
    );
