import { refuseInput } from '../../core/assert-inputs.ts';
import { isObject } from '../../core/is-object.ts';
import type { Payload } from '../../core/payload.ts';

/**
 * The texts of a comparison, `{"source_sentence", "sentences"}`, the source first; undefined for any other input.
 * https://huggingface.co/docs/inference-providers/tasks/index
 */
export const comparedTexts = ({ inputs }: Payload): readonly unknown[] | undefined => {
  if (!isObject(inputs) || !('source_sentence' in inputs)) return undefined;
  const { source_sentence: source, sentences } = inputs;
  if (!Array.isArray(sentences) || sentences.length === 0)
    return refuseInput('sentences', 'is no list with elements, expected {"source_sentence": "…", "sentences": ["…"]}');
  return [source, ...sentences];
};

/** The dot products of the first vector with each other one; of vectors of length 1, the cosines of the angles between them. */
export const dotProducts = ([source = new Float32Array(), ...others]: readonly Float32Array[]): number[] =>
  others.map((other) => source.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0));
