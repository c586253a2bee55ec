import type { Estimator } from './estimator.ts';
import type { Kind } from './preprocessing/categories.ts';
import type { WordSettings } from './text/word-settings.ts';

/** The demands of a step on a column of the table. */
export interface Use {
  /** Left out by a step that takes any. */
  readonly kind?: Kind;
  /** True when the column may have missing values before the step. */
  readonly takesMissing: boolean;
  /** The only values that the step knows. */
  readonly categories?: readonly (string | number)[];
  /** The way to terms, for a column of texts. */
  readonly words?: WordSettings;
}

/** A column of the table, as it is at some place of a pipeline. */
export interface TracedColumn {
  readonly index: number;
  /** False when a step has computed other values from it. */
  readonly isRaw: boolean;
  /** True when missing values have been filled. */
  readonly isFilled: boolean;
  /** Values that an earlier step replaces, and that later ones need not know. */
  readonly replaced: readonly (string | number)[];
}

/** The columns that a step gets or gives. */
export interface Trace {
  /** By place; undefined for a column that comes from several, or from none. */
  readonly columns: readonly (TracedColumn | undefined)[];
  /** False when a step before made an unknown number of columns, so that places say nothing. */
  readonly hasPlaces: boolean;
}

export type Note = (column: TracedColumn | undefined, use: Use) => void;

/** Follows columns through an estimator, and notes what its steps ask of them. Returns what they become. */
export type Follow = (estimator: Estimator, trace: Trace, walk: Walk) => Trace;

export interface Walk {
  readonly note: Note;
  /** Follows columns through another estimator. */
  follow(estimator: Estimator, trace: Trace): Trace;
}

export const NOTHING: Trace = { columns: [], hasPlaces: false };

/** Notes the same use for all columns. */
export const noteAll = ({ note }: Walk, { columns }: Trace, use: Use): void => {
  for (const column of columns) note(column, use);
};
