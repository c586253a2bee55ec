import { type PredictionId, parsePredictionId } from '../../capture/prediction-id.ts';
import { ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';

/** A word on a prediction. Names are as the caller sends them. */
export interface Feedback {
  readonly id: string;
  /** The place of the input in its request. */
  readonly row: number;
  /** The right label. */
  readonly label?: string;
  /** The right number. */
  readonly value?: number;
  /** Tells whether the answer was right. */
  readonly correct?: boolean;
  /** When it was known, ISO 8601. */
  readonly time: string;
}

export interface ParsedFeedback extends Feedback {
  readonly prediction: PredictionId;
}

const FIELDS = ['id', 'row', 'label', 'value', 'correct', 'time'];
const SAYS = '"label", "value" or "correct"';
/** Clocks may differ by this much. Later times count as now: the last word counts. */
const CLOCK_MS = 600_000;
/** Captures, and feedback on them, are never kept for so long. */
export const OLDEST_DAYS = 400;
const DAY_MS = 86_400_000;
/** The squares of larger numbers have no mean. */
const LARGEST_VALUE = 1e100;
/** A day, or a time with its zone: without one, it would depend on the clock that reads it. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?$/;

const refuseInput = (problem: string): never => {
  throw new ServingError('INVALID_INPUT', problem);
};

const readId = (id: unknown, nowMs: number): { id: string; prediction: PredictionId } => {
  const prediction = typeof id === 'string' ? parsePredictionId(id) : undefined;
  if (typeof id !== 'string' || prediction === undefined)
    return refuseInput(`"id" is ${show(id)}, expected the x-prediction-id of an answer`);
  const dayMs = Date.parse(prediction.day);
  if (dayMs > nowMs + CLOCK_MS) refuseInput(`"id" is of ${prediction.day}, a day to come`);
  if (dayMs < nowMs - OLDEST_DAYS * DAY_MS)
    refuseInput(`"id" is of ${prediction.day}: its prediction is no longer kept`);
  return { id, prediction };
};

/** NaN for anything but a time: `Date.parse` takes nearly any text, and makes March 3 of February 31. */
const parseTime = (time: unknown): number => {
  if (typeof time !== 'string' || !ISO_TIME.test(time)) return Number.NaN;
  const day = time.slice(0, 10);
  const isDay = new Date(`${day}T00:00Z`).getUTCDate() === Number(day.slice(8));
  return isDay ? Date.parse(time) : Number.NaN;
};

const readTime = (time: unknown, nowMs: number): string => {
  if (time === undefined || time === '') return new Date(nowMs).toISOString();
  const ms = typeof time === 'number' ? time * 1_000 : parseTime(time);
  if (Number.isNaN(new Date(ms).getTime()))
    return refuseInput(`"time" is ${show(time)}, expected 2026-11-25T08:30:00Z or seconds since 1970`);
  return new Date(ms > nowMs + CLOCK_MS ? nowMs : ms).toISOString();
};

const readWord = ({
  label,
  value,
  correct,
}: Readonly<Record<string, unknown>>): Pick<Feedback, 'label' | 'value' | 'correct'> => {
  const given = [label, value, correct].filter((word) => word !== undefined);
  if (given.length !== 1) return refuseInput(`the feedback has ${given.length} of ${SAYS}, expected one`);
  if (label !== undefined)
    return typeof label === 'string' && label !== '' && label.length <= 1_000
      ? { label }
      : refuseInput(`"label" is ${show(label)}, expected a text of up to 1,000 characters`);
  if (correct !== undefined)
    return typeof correct === 'boolean'
      ? { correct }
      : refuseInput(`"correct" is ${show(correct)}, expected true or false`);
  return typeof value === 'number' && Math.abs(value) <= LARGEST_VALUE
    ? { value }
    : refuseInput(`"value" is ${show(value)}, expected a number between -1e100 and 1e100`);
};

/**
 * Reads feedback on one prediction.
 * @throws `INVALID_INPUT` naming the field
 */
export const parseFeedback = (document: unknown, nowMs: number): ParsedFeedback => {
  if (!isObject(document)) return refuseInput(`the feedback is ${show(document)}, expected {"id": …, "label": …}`);
  const unknown = Object.keys(document).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) refuseInput(`${show(unknown)} is unknown, expected ${FIELDS.join(', ')}`);
  const { row = 0, time } = document;
  if (typeof row !== 'number' || !Number.isSafeInteger(row) || row < 0)
    return refuseInput(`"row" is ${show(row)}, expected the place of the input in its request, from 0`);
  return { ...readId(document.id, nowMs), row, ...readWord(document), time: readTime(time, nowMs) };
};
