import { ServingError } from '../../core/errors.ts';
import { shorten } from '../../core/show.ts';
import { checkCount } from '../boosting/booster.ts';
import { itemsOf, numbersOf } from '../pickle/arrays.ts';
import { describe } from '../pickle/describe.ts';
import { isNumpyArray, PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import { findUnfitted } from './finite-numbers.ts';
import type { Matrix } from './matrix.ts';
import { readSparseMatrix } from './sparse-matrix.ts';

/** Classes of imbalanced-learn that predict as a class of scikit-learn, by their full names. */
const RELATIVES: ReadonlyMap<string, string> = new Map([
  ['imblearn.pipeline.Pipeline', 'Pipeline'],
  ['imblearn.ensemble._forest.BalancedRandomForestClassifier', 'RandomForestClassifier'],
  ['imblearn.ensemble._bagging.BalancedBaggingClassifier', 'BaggingClassifier'],
  ['imblearn.ensemble._easy_ensemble.EasyEnsembleClassifier', 'BaggingClassifier'],
  ['imblearn.ensemble._weight_boosting.RUSBoostClassifier', 'AdaBoostClassifier'],
]);

/** Most characters of the name of a class in a message. */
const LONGEST_PATH = 200;

/**
 * A fitted estimator: the attributes of its object, by the names that scikit-learn gave them. Each reader takes several names, of which the
 * first that is there counts, since attributes were renamed between versions. @throws `MODEL_INVALID` for a missing or different attribute
 */
export class Estimator {
  readonly object: PyObject;
  /** Version of scikit-learn that wrote it, such as `1.7.2`; empty for an estimator of another library. */
  readonly version: string;

  constructor(object: PyObject, version: string) {
    this.object = object;
    this.version = version;
  }

  /** The name of its class, without its module; for a relative of scikit-learn, of the class as which it predicts. */
  get name(): string {
    return RELATIVES.get(this.object.type.path) ?? this.object.type.name;
  }

  /** True for a class of scikit-learn and its relatives, as opposed to one of somebody else with the same name. */
  get isOwn(): boolean {
    return this.object.type.module.startsWith('sklearn.') || RELATIVES.has(this.object.type.path);
  }

  /** Tells whether scikit-learn `major.minor` or a later one wrote it. */
  isFrom(major: number, minor: number): boolean {
    const [ownMajor = 0, ownMinor = 0] = this.version.split('.').map(Number);
    return ownMajor > major || (ownMajor === major && ownMinor >= minor);
  }

  /** The full name of its class, with the version of scikit-learn that wrote it, if that is known. */
  get origin(): string {
    const path = shorten(this.object.type.path, LONGEST_PATH);
    const isOfVersion = this.version !== '' && (this.isOwn || /^\d/.test(this.version));
    return isOfVersion ? `${path} (scikit-learn ${this.version})` : path;
  }

  /** @throws `MODEL_INVALID` naming class and version */
  refuse(problem: string): never {
    throw new ServingError('MODEL_INVALID', `${this.origin}: ${problem}`);
  }

  /** The attribute; undefined when there is none. `None` is null. */
  find(...names: readonly string[]): PyValue | undefined {
    const { state } = this.object;
    if (!(state instanceof Map)) return undefined;
    const name = names.find((each) => state.has(each));
    return name === undefined ? undefined : state.get(name);
  }

  get(...names: readonly string[]): PyValue {
    const value = this.find(...names);
    if (value !== undefined) return value;
    return this.refuse(
      names.some((name) => name.endsWith('_'))
        ? `it has no ${names.join(' or ')}: fit it before it is saved`
        : `it has no ${names.join(' or ')}`,
    );
  }

  #expect<T>(value: T | undefined, names: readonly string[], expected: string): T {
    return value ?? this.refuse(`${names[0]} is ${describe(this.find(...names))}, expected ${expected}`);
  }

  /** A number, also one that stands alone in an array. */
  number(...names: readonly string[]): number {
    const value = this.get(...names);
    const alone = isNumpyArray(value) ? numbersOf(value) : undefined;
    const given = alone?.length === 1 ? alone[0] : typeof value === 'bigint' ? Number(value) : value;
    const number = this.#expect(typeof given === 'number' ? given : undefined, names, 'a number');
    this.assertFitted(Float64Array.of(number), ...names);
    return number;
  }

  /** @throws `MODEL_INVALID` for numbers of an attribute that are NaN or infinite, where scikit-learn never fits such ones */
  assertFitted(values: ArrayLike<number>, ...names: readonly string[]): void {
    const [name = ''] = names;
    const wrong = findUnfitted(this.name, name, values);
    if (wrong !== undefined)
      this.refuse(`${name} has ${wrong}, expected finite numbers: fit the model again and look at its score`);
  }

  /** The columns that it was fitted on. @throws `MODEL_INVALID` for a number of them that no model has */
  get columns(): number {
    return checkCount(this.number('n_features_in_', 'n_features_'), 'columns', this.origin);
  }

  text(...names: readonly string[]): string {
    const value = this.get(...names);
    return this.#expect(typeof value === 'string' ? value : undefined, names, 'a text');
  }

  flag(...names: readonly string[]): boolean {
    const value = this.get(...names);
    return this.#expect(typeof value === 'boolean' ? value : undefined, names, 'True or False');
  }

  /** The numbers of an array, a list, or a number alone. */
  vector(...names: readonly string[]): Float64Array {
    const value = this.get(...names);
    const numbers = isNumpyArray(value)
      ? numbersOf(value)
      : toItems(value)?.every((item) => typeof item === 'number')
        ? Float64Array.from(toItems(value) ?? [], Number)
        : undefined;
    const all = numbers ?? (typeof value === 'number' ? Float64Array.of(value) : undefined);
    const found = this.#expect(all, names, 'numbers');
    this.assertFitted(found, ...names);
    return found;
  }

  /** The numbers of an array [rows,columns], also of a sparse one; a vector is one row. */
  matrix(...names: readonly string[]): Matrix {
    const value = this.get(...names);
    const values = isNumpyArray(value) && value.shape.length <= 2 ? numbersOf(value) : undefined;
    const shape = isNumpyArray(value) ? value.shape : [];
    const [rows, columns] = shape.length === 2 ? shape : [1, shape[0]];
    const dense = values && { rows: rows ?? 1, columns: columns ?? 1, values };
    const matrix = this.#expect(readSparseMatrix(value) ?? dense, names, 'an array of numbers');
    this.assertFitted(matrix.values, ...names);
    return matrix;
  }

  /** The elements of a list, a tuple or an array, such as classes or categories. */
  items(...names: readonly string[]): readonly PyValue[] {
    return this.#expect(toItems(this.get(...names)), names, 'a list');
  }

  /** An object within this one as an estimator of the same version. */
  within(object: PyObject): Estimator {
    return new Estimator(object, this.version);
  }

  /** An estimator within this one. */
  estimator(...names: readonly string[]): Estimator {
    const value = this.get(...names);
    return this.#expect(
      value instanceof PyObject ? new Estimator(value, this.version) : undefined,
      names,
      'an estimator',
    );
  }

  /** Estimators in a list or an array. */
  estimators(...names: readonly string[]): readonly Estimator[] {
    return this.items(...names).map((item) =>
      item instanceof PyObject
        ? new Estimator(item, this.version)
        : this.refuse(`${names[0]} has ${describe(item)}, expected estimators`),
    );
  }
}

/** The elements of a list, a tuple or an array; undefined for anything else. */
export const toItems = (value: PyValue | undefined): readonly PyValue[] | undefined => {
  if (Array.isArray(value)) return value;
  if (value instanceof PyTuple) return value.items;
  return isNumpyArray(value) ? itemsOf(value) : undefined;
};
