import { join } from 'node:path';
import { type ErrorCode, ServingError } from '../core/errors.ts';
import type { ModelSource } from '../source/model-source.ts';

/** Messages of onnxruntime, each with an explanation; the first match counts. */
const EXPLANATIONS: readonly (readonly [RegExp, string])[] = [
  [
    /Unsupported data type: 16\b/,
    'an input or output is bfloat16, which the JavaScript runtime cannot exchange; ' +
      'export the model with float32 inputs and outputs (its weights may stay bfloat16)',
  ],
  [
    /Failed to construct locale/,
    'StringNormalizer has a locale that Lambda lacks, in a graph whose weights lie in files of their own; export it with the locale "C.UTF-8"',
  ],
  [/Unsupported data type/, 'an input or output has a data type that the JavaScript runtime cannot exchange'],
  [
    /not a registered function\/op|No Op registered for/,
    'it uses an operator that this onnxruntime does not have: a custom one, or of a newer opset; export it with standard operators',
  ],
  [/till opset \d+/, 'it was made for a newer opset than this onnxruntime supports; export it with an older one'],
  [/Protobuf parsing failed|does not have a graph/, 'it is not an ONNX file, or was cut short'],
];

/** A place in the sources of onnxruntime, which helps only its developers. */
const SOURCE_LOCATION = /\/onnxruntime_src\/\S+:\d+ .*?\) /g;
const VERDICTS: readonly ErrorCode[] = ['MODEL_INVALID', 'INVALID_INPUT', 'INFERENCE_FAILED'];

const describeSource = ({ directory, graphs, conversion }: ModelSource): string => {
  if (conversion) return join(directory, conversion.file);
  const [only, ...others] = Object.values(graphs);
  return only !== undefined && others.length === 0 ? join(directory, only.path) : directory;
};

/** Waits for `attempt`. @throws `MODEL_INVALID` with the reason why the model cannot be served; other errors as they are */
export const refusing = async <T>(source: ModelSource, attempt: Promise<T>): Promise<T> => {
  try {
    return await attempt;
  } catch (error) {
    const { code, message } = ServingError.from(error);
    if (!VERDICTS.includes(code)) throw error;
    const reason = message.replace(SOURCE_LOCATION, '').trim();
    const explanation = EXPLANATIONS.find(([pattern]) => pattern.test(reason))?.[1];
    const why = explanation === undefined ? reason : `${explanation} (onnxruntime: ${reason})`;
    throw new ServingError('MODEL_INVALID', `${describeSource(source)} cannot be served: ${why}`, {
      cause: error,
    });
  }
};
