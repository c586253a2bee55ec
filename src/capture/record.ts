import type { Answer } from '../core/answer.ts';
import type { ErrorCode } from '../core/errors.ts';
import { type Features, MOST_DESCRIBED } from '../core/features.ts';
import type { Payload } from '../core/payload.ts';
import type { CaptureSettings } from './capture-settings.ts';
import { describeAnswer, type Output } from './describe-answer.ts';
import { describeInput, type Input } from './describe-input.ts';

/** The part of a roll-out that a version had when it answered; `pinned` for a request that names a version or an alias. */
export const ARMS = ['stable', 'canary', 'shadow', 'pinned'] as const;
export type Arm = (typeof ARMS)[number];

/** A line of a capture: one input of a request, and its answer. Names are in lower case, as Athena reads them. */
export interface CaptureRecord extends Partial<Input>, Output {
  readonly id: string;
  /** The place of the input in its request, from 0. */
  readonly row: number;
  /** Inputs of the request. Only the first 100 have records. */
  readonly rows: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly model: string;
  readonly version: number;
  readonly arm: Arm;
  readonly source: string;
  /** `ok`, or the code of the error. */
  readonly status: 'ok' | ErrorCode;
  readonly latency_ms: number;
  /** A hash of the caller's routing key, or of the id: the unit by which the record counts for an automatic canary, if it counts for one. */
  readonly unit?: string;
  readonly features?: Partial<Features>;
}

/** A prediction, or the run of a shadow, with what is known of it. */
export interface Captured {
  readonly id: string;
  /** The place of the payload among those of its request. */
  readonly place: { readonly index: number; readonly of: number };
  readonly model: string;
  readonly version: number;
  readonly task: string;
  readonly arm: Arm;
  readonly source: string;
  readonly timeMs: number;
  readonly latencyMs: number;
  readonly unit: string | undefined;
  readonly outcome: { readonly answer: Answer } | { readonly error: ErrorCode };
  /** Undefined when the input could not be read. */
  readonly payload: Payload | undefined;
  /** Figures of each input of the request. */
  readonly features: readonly Features[];
}

/** Without the fields that are to be left out. */
const redacted = <T extends object>(fields: T, redact: readonly string[]): Partial<T> => {
  const kept: Partial<T> = { ...fields };
  for (const name of redact) Reflect.deleteProperty(kept, name);
  return kept;
};

/** The records of a prediction: one for each input of its request. */
export const toRecords = (captured: Captured, settings: CaptureSettings): CaptureRecord[] => {
  const { outcome, features, payload, latencyMs, timeMs, id, model, version, arm, source, task, place, unit } =
    captured;
  const { inputs: level, redact } = settings;
  const outputs = 'answer' in outcome ? describeAnswer(outcome.answer, task) : [];
  const own = Math.max(1, outputs.length, features.length);
  const rows = Math.max(own, place.of);
  const whole = payload ? redacted(describeInput(payload, settings), redact) : {};
  return Array.from({ length: Math.min(own, MOST_DESCRIBED) }, (_, index): CaptureRecord => {
    const described = level === 'none' ? undefined : features[index];
    return {
      ...redacted({ ...outputs[index], ...(unit !== undefined && { unit }) }, redact),
      ...whole,
      ...{ id, row: place.index + index, rows, time: new Date(timeMs).toISOString(), model, version, arm, source },
      status: 'answer' in outcome ? 'ok' : outcome.error,
      latency_ms: Math.round(latencyMs * 1000) / 1000,
      ...(described && { features: redacted(described, redact) }),
    };
  });
};
