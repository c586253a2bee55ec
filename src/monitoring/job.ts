import type { ServingError } from '../core/errors.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { Verdict } from './drift/judge.ts';
import type { Decision } from './rollouts/judge-step.ts';

/** A decision about a canary that was carried out. */
export interface RolloutReport {
  readonly model: string;
  readonly version: number;
  readonly action: Exclude<Decision['action'], 'wait'>;
  readonly note: string;
}

/** The drift of an hour. */
export interface DriftReport {
  readonly model: string;
  readonly samples: number;
  readonly verdict: Verdict | 'no baseline';
  /** Undefined without a verdict: no figure is not a drift of 0. */
  readonly worst: { readonly feature: string; readonly drift: number } | undefined;
  readonly drifted: readonly string[] | undefined;
  /** No answer was captured for a day. */
  readonly isSilent: boolean;
}

/** The share of right answers among those with feedback, over a week. */
export interface ScoreReport {
  readonly model: string;
  readonly accuracy: number;
  readonly labels: number;
}

/** The cost of the requests of a month so far, and its limit, in US dollars. */
export interface SpendingReport {
  readonly month: string;
  readonly dollars: number;
  readonly limitDollars: number;
  /** The limit was not reached before. */
  readonly isReached: boolean;
}

/** The surroundings of the jobs of the monitor. */
export interface Monitor {
  readonly repository: ModelRepository;
  /** The bucket of the data: counts, captures and their judgements. */
  readonly data: ObjectStore;
  readonly nowMs: () => number;
  /** The limit of the month's spending; 0 for none. */
  readonly maxMonthlyDollars: number;
  readonly telemetry: MonitorTelemetry;
}

export interface MonitorTelemetry {
  /** After a canary was raised, promoted or rolled back: metric, log line, and a notification when it was rolled back. */
  decided(report: RolloutReport): Promise<void>;
  /** After an hour of a model's captured predictions was compared with its baseline: metrics and a log line. */
  judged(report: DriftReport): void;
  /** After the answers of a model were scored by their feedback. */
  scored(report: ScoreReport): void;
  /** After the spending of the month was added up: metric, log line, and a notification when its limit is reached. */
  spent(report: SpendingReport): Promise<void>;
  /** After a failure that the job survived. */
  warned(message: string, error: ServingError): void;
}

/** A part of a tick. It goes on after a failure that concerns one model alone. */
export type MonitorJob = (monitor: Monitor) => Promise<void>;
