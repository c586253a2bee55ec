import { PyObject } from '../pickle/values.ts';
import { columnSteps, namedSteps } from './column-selection.ts';
import { type Follow, NOTHING, noteAll, type Trace, type TracedColumn } from './column-uses.ts';
import { Estimator, toItems } from './estimator.ts';
import { innerEstimators, TEXT_COLUMNS, takesMissing } from './inner-estimators.ts';
import { isMissing, kindOf, readCategories } from './preprocessing/categories.ts';
import { indicatorFeatures, keptColumns } from './preprocessing/imputers.ts';
import { selectedColumns } from './preprocessing/selection.ts';
import { readWordSettings } from './text/word-settings.ts';

const NUMBER = { kind: 'number', takesMissing: false } as const;

/** A step that needs every number. */
const consume: Follow = (_, trace, walk) => {
  noteAll(walk, trace, NUMBER);
  return NOTHING;
};

/** A step for which a missing number is a number like others. A booster may take columns of texts, too. */
const consumeMissing: Follow = (estimator, { columns, hasPlaces }, { note }) => {
  const areTexts = hasPlaces ? toItems(estimator.find(TEXT_COLUMNS)) : undefined;
  for (const [index, column] of columns.entries())
    note(column, { kind: areTexts?.[index] === true ? 'string' : 'number', takesMissing: true });
  return NOTHING;
};

/** A step that changes numbers one by one, and leaves missing ones missing. */
const change: Follow = (_, { columns, hasPlaces }, walk) => {
  for (const column of columns) walk.note(column, { kind: 'number', takesMissing: true });
  return { columns: columns.map((column) => column && { ...column, isRaw: false }), hasPlaces };
};

const fill = (column: TracedColumn | undefined, replaced: readonly (string | number)[] = []) =>
  column && { ...column, isFilled: true, replaced: [...column.replaced, ...replaced] };

const at = ({ columns }: Trace, indices: readonly number[]) => indices.map((index) => columns[index]);

const encode: Follow = (estimator, trace, { note }) => {
  if (!trace.hasPlaces) return NOTHING;
  const unknown = estimator.find('handle_unknown');
  const refuses = unknown === 'error' || estimator.name === 'LabelBinarizer';
  for (const [index, { kind, keys, hasMissing }] of readCategories(estimator).entries()) {
    const column = trace.columns[index];
    const known = keys.filter((key) => key !== '' && !Number.isNaN(key));
    note(column, {
      kind,
      takesMissing: !refuses || hasMissing || keys.includes(''),
      ...(refuses && column?.isRaw && { categories: [...known, ...column.replaced] }),
    });
  }
  if (estimator.name !== 'OrdinalEncoder') return NOTHING;
  return { columns: trace.columns.map(() => undefined), hasPlaces: true }; // a number in the place of each
};

/** Estimators that refuse missing numbers for those within them, or give these only a part of the columns. */
const OWN_COLUMNS = /^(?:GradientBoosting|AdaBoost|ClassifierChain|RegressorChain)/;

/** An estimator without a rule of its own: a predictor, or one around others. */
export const followOther: Follow = (estimator, trace, walk) => {
  if (takesMissing(estimator)) {
    const preprocessor = estimator.find('_preprocessor'); // of categories, in HistGradientBoosting
    const own = preprocessor instanceof PyObject ? walk.follow(estimator.within(preprocessor), trace) : trace;
    return consumeMissing(estimator, own, walk);
  }
  const inner = OWN_COLUMNS.test(estimator.name) ? [] : innerEstimators(estimator);
  if (inner.length === 0) return consume(estimator, trace, walk);
  for (const each of inner) walk.follow(each, trace);
  return NOTHING;
};

const join = (traces: readonly Trace[]): Trace => ({
  columns: traces.flatMap(({ columns }) => columns),
  hasPlaces: traces.every(({ hasPlaces }) => hasPlaces),
});

const followStep = (
  step: Estimator | string,
  trace: Trace,
  follow: (estimator: Estimator, trace: Trace) => Trace,
): Trace => {
  if (step instanceof Estimator) return follow(step, trace);
  return step === 'drop' ? { columns: [], hasPlaces: true } : trace;
};

const vectorise: Follow = (estimator, trace, walk) => {
  noteAll(walk, trace, { takesMissing: false, words: readWordSettings(estimator) });
  return NOTHING;
};

const selectSome: Follow = (estimator, trace, walk) => {
  noteAll(walk, trace, { kind: 'number', takesMissing: true });
  return trace.hasPlaces ? { columns: at(trace, selectedColumns(estimator)), hasPlaces: true } : NOTHING;
};

const imputeAll: Follow = (estimator, trace, walk) => {
  const takes = isMissing(estimator.find('missing_values'));
  noteAll(walk, trace, { kind: 'number', takesMissing: takes });
  return { columns: trace.columns.map((column) => fill(column)), hasPlaces: false };
};

/** The estimators of a bag get columns of their own, with the numbers that are missing. */
const followBag: Follow = (estimator, trace, walk) => {
  const features = toItems(estimator.find('estimators_features_'));
  for (const [index, each] of estimator.estimators('estimators_').entries()) {
    const own = trace.hasPlaces ? toItems(features?.[index])?.map(Number) : undefined;
    walk.follow(each, own === undefined ? trace : { columns: at(trace, own), hasPlaces: true });
  }
  return NOTHING;
};

/** Rules by the name of the class; `followOther` is for the rest. */
export const COLUMN_RULES: Readonly<Record<string, Follow>> = {
  ...{ StandardScaler: change, MinMaxScaler: change, MaxAbsScaler: change, RobustScaler: change },
  ...{ PowerTransformer: change, QuantileTransformer: change },
  ...{ OneHotEncoder: encode, OrdinalEncoder: encode, TargetEncoder: encode },
  ...{ CountVectorizer: vectorise, TfidfVectorizer: vectorise, HashingVectorizer: vectorise },
  ...{ SelectKBest: selectSome, SelectPercentile: selectSome, SelectFpr: selectSome, SelectFwe: selectSome },
  ...{ SelectFdr: selectSome, GenericUnivariateSelect: selectSome, VarianceThreshold: selectSome },
  ...{ SelectFromModel: selectSome, RFE: selectSome, RFECV: selectSome, SequentialFeatureSelector: selectSome },
  ...{ KNNImputer: imputeAll, IterativeImputer: imputeAll },
  ...{ BaggingClassifier: followBag, BaggingRegressor: followBag },

  FunctionTransformer: (estimator, trace, walk) =>
    estimator.get('func') === null ? trace : change(estimator, trace, walk),

  SimpleImputer: (estimator, trace, { note }) => {
    const missing = estimator.get('missing_values');
    const replaced = typeof missing === 'string' || typeof missing === 'number' ? [missing] : [];
    const statistics = estimator.items('statistics_');
    for (const [index, column] of trace.columns.entries()) {
      const known = [missing, statistics[index] ?? null].filter((value) => !isMissing(value));
      note(column, {
        ...(trace.hasPlaces && { kind: kindOf(estimator, known) }),
        takesMissing: isMissing(missing) || missing === '',
      });
    }
    const filled = trace.columns.map((column) =>
      fill(
        column,
        replaced.filter((value) => !Number.isNaN(value)),
      ),
    );
    if (!trace.hasPlaces) return { columns: filled, hasPlaces: false };
    const added = estimator.find('add_indicator') === true ? indicatorFeatures(estimator).map(() => undefined) : [];
    return { columns: [...at({ ...trace, columns: filled }, keptColumns(estimator)), ...added], hasPlaces: true };
  },

  MissingIndicator: (estimator, trace, walk) => {
    const missing = estimator.get('missing_values');
    noteAll(walk, trace, {
      ...(!isMissing(missing) && { kind: kindOf(estimator, [missing]) }),
      takesMissing: isMissing(missing),
    });
    return NOTHING;
  },

  LabelBinarizer: (estimator, trace, walk) => {
    const [column] = trace.columns;
    walk.note(column, { kind: kindOf(estimator, estimator.items('classes_')), takesMissing: false });
    return NOTHING;
  },

  _CalibratedClassifier: (estimator, trace, { follow }) =>
    follow(estimator.estimator('estimator', 'base_estimator'), trace),

  Pipeline: (estimator, trace, { follow }) =>
    namedSteps(estimator, 'steps').reduce((value, { step }) => followStep(step, value, follow), trace),

  FeatureUnion: (estimator, trace, { follow }) =>
    join(namedSteps(estimator, 'transformer_list').map(({ step }) => followStep(step, trace, follow))),

  ColumnTransformer: (estimator, trace, { follow }) => {
    // Without places, any of the columns may be one of those that a step gets.
    const part = (indices: readonly number[]): Trace =>
      trace.hasPlaces ? { columns: at(trace, indices), hasPlaces: true } : trace;
    return join(columnSteps(estimator).map(({ step, indices }) => followStep(step, part(indices), follow)));
  },
};
