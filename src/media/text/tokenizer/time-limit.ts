import { ServingError } from '../../../core/errors.ts';
import { isObject } from '../../../core/is-object.ts';
import { runInTime } from '../../../core/run-in-time.ts';
import { show } from '../../../core/show.ts';

/** Runs `work` on a text of `units` UTF-16 units. @throws `INVALID_INPUT` when it takes too long */
export type TimeLimit = <Result>(units: number, work: () => Result) => Result;

/** Texts up to this length end in time with any pattern, and are spared the 0.1 ms that the limit costs. */
const HARMLESS_UNITS = 16;

/** Longest time of a text. Texts of a million characters take a second. */
const toLimitMs = (units: number): number => 2_000 + Math.ceil(units / 100);

/** Expressions of a single character or class, perhaps repeated, such as ` {2,}`: they never go back in a text. */
const LINEAR = /^(?:[^\\()[\]{}|^$]|\\[^\d]|\[(?:[^\\[\]]|\\.)*\])(?:[+*?]|\{\d{1,3}(?:,\d{0,3})?\})?$/u;

/** The regular expressions in components of tokenizer.json that may go back in a text without end, such as `(a+)+$`. */
export const findBacktracking = (component: unknown): string[] => {
  if (Array.isArray(component)) return component.flatMap(findBacktracking);
  if (!isObject(component)) return [];
  return Object.entries(component).flatMap(([name, value]) => {
    if (name !== 'Regex' || typeof value !== 'string') return findBacktracking(value);
    return LINEAR.test(value) ? [] : [value];
  });
};

/** Limits the time that `patterns` may take. */
export const createTimeLimit = (patterns: readonly string[]): TimeLimit => {
  if (patterns.length === 0) return (_units, work) => work();
  const shown = patterns.map((pattern) => show(pattern)).join(', ');
  return (units, work) => {
    if (units <= HARMLESS_UNITS) return work();
    return runInTime(toLimitMs(units), work, (cause) => {
      throw new ServingError(
        'INVALID_INPUT',
        `the regular expressions of the tokenizer (${shown}) take too long for a text of ${units} characters; send a shorter one`,
        { cause },
      );
    });
  };
};
