import { refuse } from '../../core/errors.ts';
import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { Outline } from '../imported-model.ts';

/** A column of a boosted model. */
export interface BoosterColumn {
  readonly name: string;
  /** The values that stand for the codes 0, 1, … of a category; the model sees the codes alone. */
  readonly categories?: readonly (string | number)[] | undefined;
}

/** A boosted model of any library. */
export interface Booster {
  /** The library and the version that wrote it, such as `XGBoost 3.2.0`. */
  readonly origin: string;
  readonly columns: readonly BoosterColumn[];
  /** The meaning of a number of `predict`: the probability of a class; the probability of class 1 of a target; the value of a target. */
  readonly kind: 'classes' | 'binary' | 'values';
  /** Numbers that `predict` gives for a row. */
  readonly outputs: number;
  /** The type in which the library calculates them. */
  readonly dtype: 'float32' | 'float64';
  /** Parts of the outline: the objective, the trees. */
  readonly parts: readonly Outline[];
  readonly notes: readonly string[];
  /** True if the library refuses a value that is none of a column's categories; otherwise the value counts as missing. */
  readonly refusesUnknown: boolean;
  /** Adds what `predict` of the library gives: codes and numbers float64[N,columns] → dtype[N,outputs]. */
  readonly predict: (graph: GraphBuilder, x: Value) => Value;
  /** Adds what `decision_function` of its classifier gives, dtype[N,outputs]. Left out where the classifier has none. */
  readonly decide?: Booster['predict'];
}

/** Most columns, and most numbers of a row's answer. Each takes some hundred bytes, and a small file may claim any number of them. */
const MOST = 500_000;

/** `count`, which a file gives for its columns or outputs. @throws `MODEL_INVALID` when it is no possible number of them */
export const checkCount = (count: number, what: string, origin: string): number =>
  Number.isInteger(count) && count >= 1 && count <= MOST
    ? count
    : refuse(
        'MODEL_INVALID',
        `${origin}: the model has ${count} ${what}, expected 1 to ${MOST}: take fewer, or save a file again that is damaged`,
      );
