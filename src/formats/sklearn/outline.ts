import type { Outline } from '../imported-model.ts';
import { isNumpyArray, type PyValue } from '../pickle/values.ts';
import { innerEstimators } from './column-rules.ts';
import { columnSteps, featureNames, namedSteps } from './column-selection.ts';
import { Estimator, toItems } from './estimator.ts';

/** Settings that tell most of an estimator, where it has them. */
const TELLING = [
  ...['strategy', 'handle_unknown', 'drop', 'min_frequency', 'max_categories', 'degree', 'method', 'encode', 'norm'],
  ...[
    'analyzer',
    'ngram_range',
    'stop_words',
    'n_estimators',
    'n_neighbors',
    'n_components',
    'n_clusters',
    'max_depth',
  ],
  ...['kernel', 'loss', 'penalty', 'alpha', 'C'],
];

/** Most names in a row, parts of an estimator, and estimators within each other, before the rest is left out. */
const [MOST_NAMES, MOST_PARTS, DEEPEST] = [8, 20, 12];

const list = (items: readonly string[]): string =>
  items.length > MOST_NAMES ? `${items.slice(0, MOST_NAMES).join(', ')}, … (${items.length})` : items.join(', ');

/** A setting as Python prints it; undefined for one that is long, or off. */
const print = (value: PyValue | undefined): string | undefined => {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value === true) return 'True';
  const items = toItems(value);
  if (items === undefined || items.length > MOST_NAMES || isNumpyArray(value)) return undefined;
  return `(${items.map((item) => print(item) ?? 'None').join(', ')})`;
};

const settings = (estimator: Estimator): string => {
  const known = TELLING.flatMap((name) => {
    const value = print(estimator.find(name));
    return value === undefined ? [] : [`${name}=${value}`];
  });
  return known.length === 0 ? '' : `(${known.join(', ')})`;
};

const sizes = (value: PyValue | undefined): string | undefined =>
  isNumpyArray(value) ? `[${value.shape.join(',')}]` : undefined;

/** The shapes of an estimator's weights, and the numbers of its categories, terms and classes. */
const facts = (estimator: Estimator): string[] => {
  const vocabulary = estimator.find('vocabulary_');
  const categories = toItems(estimator.find('categories_'))?.map((known) => String(toItems(known)?.length ?? 0));
  const classes = toItems(estimator.find('classes_'))?.map((item) => print(item) ?? String(item));
  const weights = sizes(estimator.find('coef_'));
  const components = sizes(estimator.find('components_'));
  return [
    ...(vocabulary instanceof Map ? [`${vocabulary.size} terms`] : []),
    ...(categories === undefined ? [] : [`categories: ${list(categories)}`]),
    ...(weights === undefined ? [] : [`coef_ ${weights}`]),
    ...(components === undefined ? [] : [`components_ ${components}`]),
    ...(classes === undefined ? [] : [`classes: ${list(classes)}`]),
  ];
};

/** Parts of an estimator with the names by which it knows them. */
const partsOf = (estimator: Estimator, depth: number): Outline[] => {
  const toOutline = (name: string, step: Estimator | string): Outline =>
    step instanceof Estimator ? outlineOf(step, name, depth + 1) : { text: `${name}: ${step}` };
  if (estimator.name === 'Pipeline')
    return namedSteps(estimator, 'steps').map(({ name, step }) => toOutline(name, step));
  if (estimator.name === 'FeatureUnion')
    return namedSteps(estimator, 'transformer_list').map(({ name, step }) => toOutline(name, step));
  if (estimator.name !== 'ColumnTransformer')
    return innerEstimators(estimator).map((inner) => outlineOf(inner, undefined, depth + 1));
  const names = featureNames(estimator);
  return columnSteps(estimator).map(({ name, step, indices }) =>
    toOutline(`${name} of ${list(indices.map((index) => names?.[index] ?? `x${index}`))}`, step),
  );
};

/** An estimator as a tree: its class with the main settings, the shapes of its weights, its classes, and the estimators within it. */
export const outlineOf = (estimator: Estimator, name?: string, depth = 0): Outline => {
  const head = [`${name === undefined ? '' : `${name}: `}${estimator.name}${settings(estimator)}`, ...facts(estimator)];
  if (estimator.find('tree_') !== undefined || depth >= DEEPEST) return { text: head.join(', ') };
  const all = partsOf(estimator, depth);
  const parts = all.length > MOST_PARTS ? [...all.slice(0, MOST_PARTS), { text: `… (${all.length})` }] : all;
  return { text: head.join(', '), ...(parts.length > 0 && { parts }) };
};
