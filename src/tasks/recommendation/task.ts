import { jsonAnswer } from '../../core/answer.ts';
import { mapInTime } from '../../core/deadline.ts';
import { element } from '../../core/element.ts';
import { ServingError } from '../../core/errors.ts';
import { MOST_DESCRIBED } from '../../core/features.ts';
import type { Payload } from '../../core/payload.ts';
import { type Tensors, tensorOf } from '../../core/tensor.ts';
import { listElements } from '../elements.ts';
import { readParameters } from '../parameters.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { type Scores, scoreAt, topIndices } from '../top-indices.ts';
import { type Catalogue, type Item, parseCatalogue, parseUsers, type Users } from './catalogue.ts';
import { findTensors, isIndex, type RecommenderGraph, toFeeds } from './graph.ts';
import { MAX_QUERIES, PARAMETERS } from './parameters.ts';
import { type Query, type ResolvedQuery, readQuery, resolveQuery } from './query.ts';
import { ITEMS_FILE, type RecommendationSettings, settingsSchema, USERS_FILE } from './settings.ts';

interface Request {
  /** Undefined in a blank request. */
  readonly queries: readonly Query[] | undefined;
  /** True when the caller sent a list, which is answered with a list. */
  readonly isList: boolean;
  readonly topK: number;
}

interface Row extends ResolvedQuery {
  /** Its place among the queries. */
  readonly query: number;
}

interface Resources {
  readonly catalogue: Catalogue;
  readonly users: Users | undefined;
}

export interface Recommendations {
  /** `popularity` for a user about whom the model knows nothing. */
  readonly ranked_by: 'model' | 'popularity';
  /** The reason for which the model did not rank. */
  readonly reason?: string;
  readonly items: readonly (Item & { readonly score: number })[];
}

const DEFAULT_TOP_K = PARAMETERS.top_k.default;
/** Bounds the recommendations of all queries together. */
const MAX_RECOMMENDATIONS = 100_000;

const decode = ({ inputs, parameters }: Payload): Request => {
  const topK = readParameters(parameters, PARAMETERS).top_k ?? DEFAULT_TOP_K;
  if (inputs instanceof Uint8Array)
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      'recommendation takes JSON: {"inputs": {"history": ["id", …]}} or {"inputs": {"user": "id"}}',
    );
  const isList = Array.isArray(inputs);
  const values: readonly unknown[] = isList ? inputs : [inputs];
  if (values.length === 0) throw new ServingError('INVALID_INPUT', 'inputs is an empty list');
  if (values.length > MAX_QUERIES || values.length * topK > MAX_RECOMMENDATIONS)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `${values.length} users and a top_k of ${topK}: at most ${MAX_QUERIES} users, and ${MAX_RECOMMENDATIONS} ` +
        'recommendations for all of them, are taken at once',
    );
  return {
    queries: values.map((value, index) => readQuery(value, isList ? `inputs[${index}]` : 'inputs')),
    isList,
    topK,
  };
};

const rank = (
  scores: Scores,
  { excluded }: ResolvedQuery,
  topK: number,
  { items }: Catalogue,
): Recommendations['items'] =>
  topIndices(scores, topK, excluded).map((index) => ({ ...element(items, index), score: scoreAt(scores, index) }));

/** @throws `MODEL_INVALID` when the graph gave more or fewer scores than the catalogue has items */
const rankByModel = (
  outputs: Tensors,
  { scores: { name } }: RecommenderGraph,
  row: Row,
  topK: number,
  catalogue: Catalogue,
): Recommendations => {
  const { data: scores } = tensorOf(outputs, name, 'float32');
  if (scores.length !== catalogue.items.length)
    throw new ServingError(
      'MODEL_INVALID',
      `the graph gave ${scores.length} scores, ${ITEMS_FILE} has ${catalogue.items.length} items`,
    );
  return { ranked_by: 'model', items: rank(scores, row, topK, catalogue) };
};

/** @throws `INVALID_INPUT` when the catalogue has no popularity */
const rankByPopularity = (cold: ResolvedQuery, place: string, topK: number, catalogue: Catalogue): Recommendations => {
  const { coldReason: reason = '' } = cold;
  if (catalogue.popularity === undefined)
    throw new ServingError('INVALID_INPUT', `${place}: ${reason}, and the catalogue has no popularity`);
  return { ranked_by: 'popularity', reason, items: rank(catalogue.popularity, cold, topK, catalogue) };
};

/** @throws `MODEL_INVALID` when the graph is made for another number of items */
const assertCatalogueFits = ({ scores, history }: RecommenderGraph, { items }: Catalogue): void => {
  const other = [scores, history]
    .map((spec) => spec?.shape[1])
    .find((width) => typeof width === 'number' && width !== items.length);
  if (other !== undefined)
    throw new ServingError(
      'MODEL_INVALID',
      `the graph is made for ${other} items, ${ITEMS_FILE} has ${items.length}: its lines are the graph's indices`,
    );
};

/** A row with the last user and the last item, so that a graph that knows fewer fails at push. */
const blankRow = ({ catalogue, users }: Resources): Row => ({
  query: 0,
  user: (users?.histories.length ?? 1) - 1,
  history: [catalogue.items.length - 1],
  excluded: new Set(),
  coldReason: undefined,
});

const steps = (graph: RecommenderGraph, hasUsers: boolean): SinglePass<Request, Row, Resources> => {
  const takes = { user: graph.user !== undefined, history: graph.history !== undefined };
  return {
    blank: { queries: undefined, isList: false, topK: DEFAULT_TOP_K },
    outputNames: [graph.scores.name],
    elements: listElements,

    decode,

    async load(read) {
      const catalogue = parseCatalogue(await read(ITEMS_FILE));
      assertCatalogueFits(graph, catalogue);
      return { catalogue, users: hasUsers ? parseUsers(await read(USERS_FILE), catalogue) : undefined };
    },

    prepare({ queries }, resources, deadline) {
      if (queries === undefined) return [blankRow(resources)];
      const { catalogue, users } = resources;
      const toRow = (query: Query, index: number) => ({
        query: index,
        ...resolveQuery(query, takes, catalogue, users),
      });
      return mapInTime(queries, deadline, toRow).filter(({ coldReason }) => coldReason === undefined);
    },

    describe: ({ queries = [] }) =>
      queries
        .slice(0, MOST_DESCRIBED)
        .map(({ user, history }) => ({ history: history?.length ?? null, has_user: user === undefined ? 0 : 1 })),

    // Histories of one length need no padding, so that the graph needs no index that stands for no item.
    group: ({ history }) => (graph.history && isIndex(graph.history) ? String(history.length) : ''),

    collate: (rows, _signature, { catalogue }) => toFeeds(rows, graph, catalogue.items.length),

    postprocess(outputs, { queries, isList, topK }, rows, { catalogue, users }) {
      const answers = new Map(
        rows.map((row, index) => [row.query, rankByModel(element(outputs, index), graph, row, topK, catalogue)]),
      );
      const all = (queries ?? []).map(
        (query, index) =>
          answers.get(index) ??
          rankByPopularity(resolveQuery(query, takes, catalogue, users), query.place, topK, catalogue),
      );
      return jsonAnswer(isList ? all : (all[0] ?? answers.get(0)));
    },
  };
};

/**
 * A user, by history or id → `{ranked_by, items: [{id, score, …}]}`, best first; equal scores keep the order of the catalogue. A list of users →
 * a list of these. Graph: see `findTensors`. The catalogue is `items.jsonl` of the bundle, in the order of the scores.
 */
export const recommendation: TaskType<RecommendationSettings> = {
  settings: settingsSchema,
  create({ hasUsers }, version) {
    const graph = findTensors(signatureOf(version));
    if (graph.user !== undefined && !hasUsers)
      throw new ServingError(
        'MODEL_INVALID',
        `the graph takes the index of a user (${graph.user.name}), and there is no ${USERS_FILE}, whose lines give users their indices`,
      );
    return singlePass(steps(graph, hasUsers));
  },
};
