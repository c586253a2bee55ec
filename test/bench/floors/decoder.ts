import type * as Ort from 'onnxruntime-node';
import { openSession } from './native.ts';

const isPast = (name: string): boolean => name.startsWith('past_key_values.');
const isOld = (name: string): boolean => name.startsWith('old_key_values.');

/** What a baked graph takes besides: one step, whose draft nobody reads. */
const oneStep = (Tensor: typeof Ort.Tensor): Record<string, Ort.Tensor> => ({
  steps: new Tensor('int64', BigInt64Array.of(1n), []),
  last_tokens: new Tensor('int64', BigInt64Array.of(-1n), [1]),
  top_k: new Tensor('int64', BigInt64Array.of(1n), [1]),
  uniform: new Tensor('float32', Float32Array.of(0), [1]),
  temperature: new Tensor('float32', Float32Array.of(1), [1]),
  top_p: new Tensor('float32', Float32Array.of(1), [1]),
  min_p: new Tensor('float32', Float32Array.of(0), [1]),
});

/**
 * A loop of runs of the decoder that `writeDecoderModel` makes, as it is or baked, each with the tensors that the one before gave, and the likeliest
 * token.
 */
export const openDecoder = async (graphPath: string) => {
  const { session, Tensor } = await openSession(graphPath);
  const pastNames = session.inputNames.filter(isPast);
  const integers = (values: readonly number[]): Ort.Tensor =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  const empty = (names: readonly string[]): Record<string, Ort.Tensor> =>
    Object.fromEntries(names.map((name) => [name, new Tensor('float32', new Float32Array(0), [1, 3, 0, 64])]));
  const oldNames = session.inputNames.filter(isOld);
  const constants = oldNames.length === 0 ? {} : { ...oneStep(Tensor), ...empty(oldNames) };
  return async (prompt: readonly number[], newTokens: number): Promise<number[]> => {
    let past = empty(pastNames);
    const tokens: number[] = [];
    for (let next = prompt; tokens.length < newTokens; next = tokens.slice(-1)) {
      const mask = integers(Array.from({ length: prompt.length + tokens.length }, () => 1));
      const outputs = await session.run({ input_ids: integers(next), attention_mask: mask, ...constants, ...past });
      const logits = outputs.logits?.data as Float32Array;
      const width = outputs.logits?.dims[2] ?? 0;
      let best = logits.length - width;
      for (let index = best + 1; index < logits.length; index += 1)
        if ((logits[index] ?? 0) > (logits[best] ?? 0)) best = index;
      tokens.push(best - logits.length + width);
      past = Object.fromEntries(
        pastNames.map((name) => [name, outputs[name.replace('past_key_values', 'present')] as Ort.Tensor]),
      );
    }
    return tokens;
  };
};
