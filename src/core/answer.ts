import type { Tensors } from './tensor.ts';
import type { Usage } from './usage.ts';

/** The answer of a task to one request. Each protocol encodes it once, in its own form. */
export type Answer =
  | {
      readonly kind: 'json';
      readonly value: unknown;
      /** Positions of the inputs that were cut to the model's length, ascending. */
      readonly truncatedInputs: readonly number[];
      /** Left out by a task that counts nothing. */
      readonly usage?: Usage;
    }
  | {
      readonly kind: 'tensors';
      /** Identifier that the caller chose. */
      readonly id: string | undefined;
      /** In the order that the caller asked for. */
      readonly outputs: Tensors;
      /** Names of the outputs that the caller asked for as bytes. */
      readonly binary: ReadonlySet<string>;
    }
  | { readonly kind: 'bytes'; readonly data: Uint8Array; readonly contentType: string };

/** An answer that JSON can carry: no 64-bit integers beyond 2^53, no typed arrays. */
export const jsonAnswer = (value: unknown, truncatedInputs: readonly number[] = [], usage?: Usage): Answer => ({
  kind: 'json',
  value,
  truncatedInputs,
  ...(usage && { usage }),
});

/** The value of a JSON answer; undefined for another one. */
export const jsonValueOf = (answer: Answer): unknown => (answer.kind === 'json' ? answer.value : undefined);

/** Positions of the inputs that were cut for `answer`. */
export const truncatedInputsOf = (answer: Answer): readonly number[] =>
  answer.kind === 'json' ? answer.truncatedInputs : [];

/** The amounts that `answer` took, as far as its task counts them. */
export const usageOf = (answer: Answer): Usage => (answer.kind === 'json' ? (answer.usage ?? {}) : {});
