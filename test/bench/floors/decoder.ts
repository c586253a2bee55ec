import type * as Ort from 'onnxruntime-node';
import { openSession } from './native.ts';

const isPast = (name: string): boolean => name.startsWith('past_key_values.');

/** A loop of runs of the decoder that `writeDecoderModel` makes, each with the tensors that the one before gave, and the likeliest token. */
export const openDecoder = async (graphPath: string) => {
  const { session, Tensor } = await openSession(graphPath);
  const pastNames = session.inputNames.filter(isPast);
  const integers = (values: readonly number[]): Ort.Tensor =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  return async (prompt: readonly number[], newTokens: number): Promise<number[]> => {
    let past: Record<string, Ort.Tensor> = Object.fromEntries(
      pastNames.map((name) => [name, new Tensor('float32', new Float32Array(0), [1, 3, 0, 64])]),
    );
    const tokens: number[] = [];
    for (let next = prompt; tokens.length < newTokens; next = tokens.slice(-1)) {
      const mask = integers(Array.from({ length: prompt.length + tokens.length }, () => 1));
      const outputs = await session.run({ input_ids: integers(next), attention_mask: mask, ...past });
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
