import { totalmem } from 'node:os';
import { isAnonymous } from '../../core/blank.ts';
import { ServingError } from '../../core/errors.ts';
import type { Signature, Tensors } from '../../core/tensor.ts';
import { explainIndex, formatShapes } from './index-faults.ts';

/** Messages about values that no graph could compute with, each with its explanation. */
const VALUE_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/Integer (?:division|modulo) by zero/, 'on these inputs, the graph divides integers by 0'],
  [/shape\.Size\(\) must be >= 0/, 'on these inputs, the graph would make a tensor of a negative size'],
  [
    /Failed to allocate memory|Integer overflow|exceeds the supported maximum|bad_alloc/,
    'the graph would take more memory than there is: a size in the inputs is too large',
  ],
];

/** The bytes that the runtime could not have. */
const LACKING_BYTES = /Failed to allocate memory for requested buffer of size (\d+)/;

/** True where the machine has the memory, but not now: other requests or models take it, and the operator has to know. */
const isExhausted = (message: string): boolean => {
  const [, bytes] = LACKING_BYTES.exec(message) ?? [];
  return bytes !== undefined && Number(bytes) <= totalmem();
};

/** Messages about sizes that do not fit each other within the graph, such as more tokens than a model has positions. */
const SHAPE_FAULT = /Attempting to broadcast an axis by a dimension other than 1|invalid expand shape/;

/**
 * The refusal of a node. Every model has answered an input before it answers callers, so the graph runs. It refuses values or shapes, such
 * as a category that an encoder does not know, or a picture that is smaller than a kernel.
 */
const NODE_FAULT = /Non-zero status code returned while running (?<operator>\w+) node/;

/** The beginning of a status message: a place in the sources of the runtime, and the condition that failed. */
const PLACE = /^(?:.* was false\.? ?|\S+\.(?:cc|h):\d+ (?:\w+ )?)/;
const MOST_REASON = 300;

/** The reason of a node in the runtime's words; empty where it has none for people. */
const reasonOf = (message: string): string => {
  const [, status = ''] = /Status Message: (.*)/.exec(message) ?? [];
  const reason = status.replace(PLACE, '').replace(/[.!\s]+$/, '');
  return reason === '' || reason.includes('onnxruntime') ? '' : `: ${reason.slice(0, MOST_REASON)}`;
};

/** Elements of an input that is shown whole. Sizes, axes and counts are such inputs. */
const MOST_SHOWN = 8;

/** The values of short inputs of integers, which may be sizes: `; "k" is [9]`. */
const formatSizes = (feeds: Tensors): string =>
  Object.entries(feeds)
    .flatMap(([name, { dtype, data }]) =>
      /^u?int/.test(dtype) && data.length > 0 && data.length <= MOST_SHOWN ? [`; "${name}" is [${data.join()}]`] : [],
    )
    .slice(0, MOST_SHOWN)
    .join('');

/** The explanation of a failure that the values or the shapes of `feeds` lead to; undefined for any other. */
const explain = (message: string, signature: Signature, feeds: Tensors): string | undefined => {
  if (isExhausted(message)) return undefined;
  const operator = NODE_FAULT.exec(message)?.groups?.operator ?? '';
  const index = explainIndex(message, operator, signature, feeds);
  if (index !== undefined) return index;
  const sizes = formatSizes(feeds);
  if (SHAPE_FAULT.test(message))
    return `the graph does not run on inputs of the shapes ${formatShapes(feeds)}${sizes}; send shorter rows`;
  const known = VALUE_FAULTS.find(([pattern]) => pattern.test(message))?.[1];
  if (known !== undefined) return `${known}${sizes}`;
  if (operator === '') return undefined;
  const shapes = formatShapes(feeds);
  return `the graph does not run on these values of the shapes ${shapes}: a node ${operator} refuses them${reasonOf(message)}${sizes}`;
};

/** Two sizes of dimensions that share a name, in words; undefined when all agree. */
const findDisagreement = ({ inputs }: Signature, feeds: Tensors): string | undefined => {
  const known = new Map<string, { readonly size: number; readonly input: string }>();
  for (const { name, shape } of inputs)
    for (const [axis, dimension] of shape.entries()) {
      const size = feeds[name]?.shape[axis];
      if (typeof dimension !== 'string' || isAnonymous(dimension) || size === undefined) continue;
      const first = known.get(dimension);
      if (first === undefined) known.set(dimension, { size, input: name });
      else if (first.size !== size)
        return `input "${name}": dimension ${axis} ("${dimension}") is ${size}, but input "${first.input}" has ${first.size} there`;
    }
  return undefined;
};

/** The error of a run as the caller's, where `feeds` are at fault: the same graph runs on other ones. Any other error stays. */
export const toCallerFault = (error: unknown, signature: Signature, feeds: Tensors): unknown => {
  if (!(error instanceof ServingError) || error.code !== 'INFERENCE_FAILED') return error;
  const text = findDisagreement(signature, feeds) ?? explain(error.message, signature, feeds);
  return text === undefined ? error : new ServingError('INVALID_INPUT', text, { cause: error });
};
