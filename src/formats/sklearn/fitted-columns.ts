import { show } from '../../core/show.ts';
import { DEEPEST, finalOf, MOST_ESTIMATORS } from './classes.ts';
import { COLUMN_RULES, followOther } from './column-rules.ts';
import { featureNames, namedSteps } from './column-selection.ts';
import type { TracedColumn, Use, Walk } from './column-uses.ts';
import { findConverter } from './converters.ts';
import { Estimator } from './estimator.ts';
import { innerEstimators } from './inner-estimators.ts';
import { keyOfWords, type WordSettings } from './text/word-settings.ts';
import { TEXT_CLASSES } from './text.ts';

/** A column that a model was fitted on, with all that its steps ask of it. */
export interface FittedColumn {
  readonly name: string;
  /** The type of its input; `text` for a column of which terms are made. */
  readonly type: 'string' | 'float64' | 'bool' | 'text';
  /** False for a column that no step uses, and whose name tells it from others. */
  readonly isUsed: boolean;
  readonly isOptional: boolean;
  /** The only values that all steps know. */
  readonly categories: readonly (string | number)[] | undefined;
  readonly words: readonly WordSettings[];
}

/** The columns that an estimator was fitted on. */
interface Fitted {
  readonly names?: readonly string[] | undefined;
  /** Number of columns; undefined when the estimator does not tell. */
  readonly width?: number;
  readonly isText: boolean;
}

const steps = (estimator: Estimator, attribute: string): Estimator[] =>
  namedSteps(estimator, attribute).flatMap(({ step }) => (step instanceof Estimator ? [step] : []));

const partsOf = (estimator: Estimator): Estimator[] => {
  if (estimator.name === 'Pipeline') return steps(estimator, 'steps');
  return estimator.name === 'FeatureUnion' ? steps(estimator, 'transformer_list') : innerEstimators(estimator);
};

/** Runs the work on one estimator. @throws `MODEL_INVALID` for too many of them */
type Guard = <Result>(work: () => Result) => Result;

const createGuard = (root: Estimator): Guard => {
  let [count, depth] = [0, 0];
  return (work) => {
    count += 1;
    depth += 1;
    if (count > MOST_ESTIMATORS || depth > DEEPEST)
      root.refuse(
        `it has more than ${MOST_ESTIMATORS} estimators, more than ${DEEPEST} within each other, or one within itself`,
      );
    const result = work();
    depth -= 1;
    return result;
  };
};

/** The columns of `estimator`, as it tells them itself, or as the first estimator within it that tells. */
const fittedOn = (estimator: Estimator, guard: Guard): Fitted =>
  guard(() => {
    findConverter(estimator); // a class that cannot be converted is refused as such, before its columns are asked for
    if (TEXT_CLASSES.has(estimator.name)) return { names: ['text'], width: 1, isText: true };
    if (estimator.name === 'IsotonicRegression') return { width: 1, isText: false };
    if (estimator.find('n_features_in_') !== undefined)
      return { names: featureNames(estimator), width: estimator.columns, isText: false };
    for (const part of partsOf(estimator)) {
      const fitted = fittedOn(part, guard);
      if (fitted.width !== undefined) return fitted;
    }
    return { isText: false };
  });

/** Adds a demand unless an equal one is there: thousands of estimators ask the same of thousands of columns. */
const addUse = (uses: Use[], use: Use, takesMissing: boolean): void => {
  const isEqual = (other: Use): boolean =>
    other.kind === use.kind &&
    other.takesMissing === takesMissing &&
    other.categories === use.categories &&
    other.words === use.words;
  if (!uses.some(isEqual)) uses.push({ ...use, takesMissing });
};

/** The demands of all steps of `root`, by column. */
const usesOf = (root: Estimator, width: number): readonly (readonly Use[])[] => {
  const uses = Array.from({ length: width }, (): Use[] => []);
  const guard = createGuard(root);
  const walk: Walk = {
    note: (column, use) => {
      if (column !== undefined) addUse(uses[column.index] ?? [], use, use.takesMissing || column.isFilled);
    },
    follow: (estimator, trace) => guard(() => (COLUMN_RULES[estimator.name] ?? followOther)(estimator, trace, walk)),
  };
  const columns = uses.map((_, index): TracedColumn => ({ index, isRaw: true, isFilled: false, replaced: [] }));
  const rest = walk.follow(root, { columns, hasPlaces: true });
  for (const column of rest.columns) walk.note(column, { takesMissing: true }); // it is part of the result
  return uses;
};

const typeOf = (root: Estimator, name: string, uses: readonly Use[], isOptional: boolean): FittedColumn['type'] => {
  const kinds = new Set(uses.flatMap(({ kind }) => (kind === undefined ? [] : [kind])));
  const texts = uses.filter(({ words }) => words !== undefined).length;
  if (texts > 0 && texts < uses.length)
    return root.refuse(`column ${show(name)} is a text for some steps, and another column for others`);
  if (texts > 0) return 'text';
  if (kinds.has('string') && kinds.size > 1)
    return root.refuse(`column ${show(name)} holds strings for some steps, and numbers for others`);
  if (kinds.has('string')) return 'string';
  return kinds.has('boolean') && kinds.size === 1 && !isOptional ? 'bool' : 'float64';
};

/** The values that all steps know; undefined when no step refuses any. */
const commonCategories = (uses: readonly Use[]): readonly (string | number)[] | undefined => {
  const [first, ...others] = uses.flatMap(({ categories }) => (categories === undefined ? [] : [categories]));
  const common = first?.filter((value) => others.every((known) => known.includes(value))) ?? [];
  return common.length === 0 ? undefined : [...new Set(common)];
};

/**
 * The columns of a fitted model, in its order. Columns without names are `x0`, `x1` and so on. A row of these has all columns, so
 * that unused ones get the type of the others.
 * @throws `MODEL_INVALID` for a model that was not fitted, or that uses a column in two ways
 */
export const readFittedColumns = (
  root: Estimator,
): { readonly columns: readonly FittedColumn[]; readonly isText: boolean } => {
  const { names, width, isText } = fittedOn(root, createGuard(root));
  const last = finalOf(root);
  if (width === undefined && typeof (last.find('kernel') ?? '') !== 'string')
    return last.refuse('its kernel is a function, which is not in the file: take linear, rbf, poly or sigmoid');
  if (width === undefined)
    return root.refuse(
      /^0[.]/.test(root.version)
        ? 'versions before 1.0 do not tell how many columns a model takes: fit and save it with scikit-learn 1.0 to 1.9'
        : 'it does not tell how many columns it takes: fit it before it is saved',
    );
  const columns = usesOf(root, width).map((uses, index): FittedColumn => {
    const name = names?.[index] ?? `x${index}`;
    const isOptional = uses.every(({ takesMissing }) => takesMissing);
    const type = typeOf(root, name, uses, isOptional);
    const words = new Map(uses.flatMap((use) => (use.words ? [[keyOfWords(use.words), use.words] as const] : [])));
    const isUsed = uses.length > 0;
    return { name, type, isUsed, isOptional, categories: commonCategories(uses), words: [...words.values()] };
  });
  if (!columns.some(({ isUsed }) => isUsed)) return root.refuse('it uses none of its columns');
  if (names !== undefined) return { columns, isText };
  const unusedType = columns.some(({ type }) => type === 'string') ? 'string' : 'float64';
  return {
    columns: columns.map((column) => (column.isUsed ? column : { ...column, type: unusedType, isUsed: true })),
    isText,
  };
};
