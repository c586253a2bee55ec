import * as v from 'valibot';
import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import type { Signature, Tensors } from '../../core/tensor.ts';
import { assertKnownParameters, readTopK } from '../parameters.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import type { Task } from '../task.ts';
import { topIndices } from '../top-indices.ts';
import { type Catalogue, type Item, parseCatalogue, parseUsers, type Users } from './catalogue.ts';
import { isIndex, type RecommenderGraph, readGraph, toFeeds } from './graph.ts';
import { type Query, type ResolvedQuery, readQuery, resolveQuery } from './query.ts';

export const ITEMS_FILE = 'items.jsonl';
export const USERS_FILE = 'users.jsonl';

const settingsSchema = v.object({
  /** Whether the bundle has a `users.jsonl`. */
  hasUsers: v.boolean(),
});

interface Request {
  /** Undefined asks for the plainest query there is. */
  readonly queries: readonly Query[] | undefined;
  /** Whether a list was sent, so that one is answered. */
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
  /** `popularity` where the model knows nothing about the user. */
  readonly ranked_by: 'model' | 'popularity';
  /** Why the model did not rank. */
  readonly reason?: string;
  readonly items: readonly (Item & { readonly score: number })[];
}

const DEFAULT_TOP_K = 10;
/** Each query looks at every item of the catalogue. */
const MAX_QUERIES = 1_000;
/** Of all queries together. */
const MAX_RECOMMENDATIONS = 100_000;

const decode = ({ inputs, parameters }: Payload): Request => {
  assertKnownParameters(parameters, ['top_k']);
  const topK = readTopK(parameters, DEFAULT_TOP_K);
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
      `${values.length} users and a top_k of ${topK}: at most ${MAX_QUERIES} users, and ${MAX_RECOMMENDATIONS} recommendations for all of them, are taken at once`,
    );
  return {
    queries: values.map((value, index) => readQuery(value, isList ? `inputs[${index}]` : 'inputs')),
    isList,
    topK,
  };
};

const steps = (graph: RecommenderGraph, hasUsers: boolean): SinglePass<Request, Row, Resources> => {
  const takes = { user: graph.user !== undefined, history: graph.history !== undefined };

  const rank = (
    scores: Float32Array | Float64Array,
    { excluded }: ResolvedQuery,
    topK: number,
    { items }: Catalogue,
  ): Recommendations['items'] =>
    topIndices(scores, topK, excluded).map((index) => ({ ...(items[index] as Item), score: scores[index] as number }));

  const rankByModel = (outputs: Tensors, row: Row, topK: number, catalogue: Catalogue): Recommendations => {
    const scores = outputs[graph.scores.name]?.data as Float32Array;
    if (scores.length !== catalogue.items.length)
      throw new ServingError(
        'MODEL_INVALID',
        `the graph gave ${scores.length} scores, ${ITEMS_FILE} has ${catalogue.items.length} items`,
      );
    return { ranked_by: 'model', items: rank(scores, row, topK, catalogue) };
  };

  const rankByPopularity = (
    cold: ResolvedQuery,
    place: string,
    topK: number,
    catalogue: Catalogue,
  ): Recommendations => {
    const { coldReason: reason = '' } = cold;
    if (catalogue.popularity === undefined)
      throw new ServingError('INVALID_INPUT', `${place}: ${reason}, and the catalogue does not say what is popular`);
    return { ranked_by: 'popularity', reason, items: rank(catalogue.popularity, cold, topK, catalogue) };
  };

  return {
    blank: { queries: undefined, isList: false, topK: DEFAULT_TOP_K },
    outputNames: [graph.scores.name],
    decode,

    async load(read) {
      const catalogue = parseCatalogue(await read(ITEMS_FILE));
      const other = [graph.scores, graph.history]
        .map((spec) => spec?.shape[1])
        .find((width) => typeof width === 'number' && width !== catalogue.items.length);
      if (other !== undefined)
        throw new ServingError(
          'MODEL_INVALID',
          `the graph is made for ${other} items, ${ITEMS_FILE} has ${catalogue.items.length}: its lines are the graph's indices`,
        );
      return { catalogue, users: hasUsers ? parseUsers(await read(USERS_FILE), catalogue) : undefined };
    },

    prepare({ queries }, _signature, { catalogue, users }) {
      if (queries === undefined) {
        // The last of each, so that a graph that knows fewer shows at push.
        const [user, item] = [(users?.histories.length ?? 1) - 1, catalogue.items.length - 1];
        return [{ query: 0, user, history: [item], excluded: new Set(), coldReason: undefined }];
      }
      const resolved = queries.map((query, index) => ({
        query: index,
        ...resolveQuery(query, takes, catalogue, users),
      }));
      return resolved.filter(({ coldReason }) => coldReason === undefined);
    },

    // No graph has to know a number that stands for no item.
    group: ({ history }) => (graph.history && isIndex(graph.history) ? String(history.length) : ''),

    collate: (rows, _signature, { catalogue }) => toFeeds(rows, graph, catalogue.items.length),

    postprocess(outputs, { queries, isList, topK }, rows, { catalogue, users }) {
      const answers = new Map(
        rows.map((row, index) => [row.query, rankByModel(outputs[index] ?? {}, row, topK, catalogue)]),
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
 * A user, by history or id → `{ranked_by, items: [{id, score, …}]}`, best first, equal scores in the order of the catalogue; a list for a list.
 * Graph: see `readGraph`. The catalogue is `items.jsonl` of the bundle, in the order of the scores.
 *
 * @throws `MODEL_INVALID` when `settings` or `signature` are not those of a recommender
 */
export const createRecommendation = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success)
    throw new ServingError('MODEL_INVALID', `recommendation settings: ${v.summarize(parsed.issues)}`);
  const graph = readGraph(signature);
  if (graph.user !== undefined && !parsed.output.hasUsers)
    throw new ServingError(
      'MODEL_INVALID',
      `the graph takes the index of a user (${graph.user.name}), and there is no ${USERS_FILE}, whose lines say who that is`,
    );
  return singlePass(steps(graph, parsed.output.hasUsers));
};
