import type { PyValue } from '../pickle/values.ts';
import { columnSteps, namedSteps } from './column-selection.ts';
import type { Conversion, Converters, Results } from './conversion.ts';
import { Estimator } from './estimator.ts';
import { type Frame, selectColumns } from './frame.ts';
import { scalar, toNumbers } from './preprocessing/numbers.ts';
import { SELECTION } from './preprocessing/selection.ts';
import { toSparseBlock } from './sparse-rows.ts';

/** The columns that a step of a pipeline gives. @throws `MODEL_INVALID` when it transforms nothing */
const transform = (owner: Estimator, step: Estimator | string, frame: Frame, conversion: Conversion): Frame => {
  if (!(step instanceof Estimator)) return step === 'drop' ? [] : frame;
  const select = step.isOwn && Object.hasOwn(SELECTION, step.name) ? SELECTION[step.name] : undefined;
  return (
    (select?.(step, frame, conversion) ?? conversion.convert(step, frame)).frame ??
    owner.refuse(`its step ${step.object.type.path} transforms nothing, and stands before other steps`)
  );
};

/** `frame` times the weight that `transformer_weights` has for `name`. */
const weigh = (owner: Estimator, name: string, frame: Frame, { graph }: Conversion): Frame => {
  const weights: PyValue | undefined = owner.find('transformer_weights');
  const weight = weights instanceof Map ? (weights.get(name) ?? null) : null;
  if (weight === null) return frame;
  const factor = scalar(graph, Number(weight));
  return frame.map((block) => {
    const { sparse, width } = block;
    if (sparse === undefined) return { ...block, value: graph.op('Mul', [toNumbers(owner, [block], graph), factor]) };
    return toSparseBlock(owner, graph, { ...sparse, values: graph.op('Mul', [sparse.values, factor]) }, width);
  });
};

const withColumns = (owner: Estimator, frame: Frame): Results =>
  frame.length === 0 ? owner.refuse('no column is left of it') : { frame };

export const COLUMNS: Converters = {
  Pipeline: (estimator, frame, conversion) => {
    const steps = namedSteps(estimator, 'steps');
    const last = steps.at(-1)?.step;
    const before = steps.slice(0, -1).reduce((value, { step }) => transform(estimator, step, value, conversion), frame);
    return last instanceof Estimator ? conversion.convert(last, before) : { frame: before };
  },

  FeatureUnion: (estimator, frame, conversion) => {
    const parts = namedSteps(estimator, 'transformer_list').flatMap(({ name, step }) =>
      weigh(estimator, name, transform(estimator, step, frame, conversion), conversion),
    );
    return withColumns(estimator, parts);
  },

  ColumnTransformer: (estimator, frame, conversion) => {
    const parts = columnSteps(estimator).flatMap(({ name, step, indices }) => {
      if (step === 'drop') return [];
      const chosen = selectColumns(conversion.graph, frame, indices);
      return weigh(estimator, name, transform(estimator, step, chosen, conversion), conversion);
    });
    return withColumns(estimator, parts);
  },
};
