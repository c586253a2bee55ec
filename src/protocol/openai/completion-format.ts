import { randomUUID } from 'node:crypto';
import type { Usage } from '../../core/usage.ts';
import { type Delta, toOpenAiUsage } from './deltas.ts';

/** The amounts of a choice before one of its parts: calls, and characters of the tokens with log-probabilities. */
export interface Before {
  readonly calls: number;
  readonly characters: number;
}

export const NOTHING_BEFORE: Before = { calls: 0, characters: 0 };

/** The amounts of a choice behind one of its parts. */
export const behind = ({ calls, characters }: Before, delta: Delta): Before => ({
  calls: calls + delta.calls.length,
  characters: delta.logprobs.reduce((sum, { text }) => sum + text.length, characters),
});

/** The form of an answer that a model writes, whole and in chunks. */
export interface CompletionFormat {
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** The chunk before the first part of a choice. */
  toFirst(): object | undefined;
  /** The chunks of a part. */
  toChunks(delta: Delta, before: Before): readonly object[];
  toChoice(whole: Delta): object;
}

/** The fields that all chunks of an answer have in common. */
export interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  /** Names the version: a seed gives the same answer while it stays the same. */
  readonly system_fingerprint: string;
}

export const createHead = ({ idPrefix }: CompletionFormat, model: string, digest: string, nowMs: number): Head => ({
  ...{ id: `${idPrefix}-${randomUUID().replaceAll('-', '')}`, created: Math.floor(nowMs / 1000), model },
  system_fingerprint: `fp_${digest.slice(0, 12)}`,
});

/** An answer in one piece. */
export const toCompletion = (format: CompletionFormat, head: Head, wholes: readonly Delta[], prompts: number) => ({
  ...{ id: head.id, object: format.object, created: head.created, model: head.model },
  choices: wholes.map((whole, index) => ({ index, ...format.toChoice(whole) })),
  usage: toOpenAiUsage(
    wholes.flatMap(({ end }) => (end ? [end.usage] : [])),
    prompts,
  ),
  system_fingerprint: head.system_fingerprint,
});

/** A chunk of an answer. `usage` is null in all but the last one, where a request asks for it there. */
export const toCompletionChunk = (
  { chunkObject }: CompletionFormat,
  head: Head,
  choices: readonly object[],
  usage: object | null | undefined,
) => ({
  ...{ id: head.id, object: chunkObject, created: head.created, model: head.model, choices },
  ...{ system_fingerprint: head.system_fingerprint, ...(usage !== undefined && { usage }) },
});

/** The event that ends a stream. */
export const LAST_EVENT = new TextEncoder().encode('data: [DONE]\n\n');

export const usagesOf = (deltas: readonly Delta[]): readonly Usage[] =>
  deltas.flatMap(({ end }) => (end ? [end.usage] : []));
