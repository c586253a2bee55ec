import type { Answer } from '../core/answer.ts';
import { assertTimeLeft, type Deadline, deadlineAt, within } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import type { Payload } from '../core/payload.ts';
import { startStopwatch } from '../core/stopwatch.ts';
import type { LoadedModel, ModelCache } from '../engine/model-cache.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { createRawTask, createTask } from '../tasks/index.ts';
import type { Task } from '../tasks/task.ts';
import type { Background } from './background.ts';
import { compareOutcomes } from './compare-answers.ts';
import type { ModelReference, Router } from './router.ts';
import type { Observation, Telemetry } from './telemetry.ts';

/** Everything that answers requests, whatever they come through. */
export interface Serving<Store extends ObjectStore = ObjectStore> {
  readonly repository: ModelRepository<Store>;
  readonly router: Router;
  readonly models: ModelCache;
  /** Holds `uploads/` and `results/`. */
  readonly data: ObjectStore;
  readonly telemetry: Telemetry;
  readonly background: Background;
}

/** One or more inputs for the same model. */
export interface Call {
  readonly reference: ModelReference;
  /** Decides who answers while a canary takes its share; the same for each attempt at the same request. */
  readonly key?: string;
  /** The version that answers, where it was chosen before. */
  readonly routed?: PublishedBundle;
  /** `task` speaks the task's own language, `raw` tensors. */
  readonly as: 'task' | 'raw';
  /** Each fetches or parses one input, while the model is being loaded. */
  readonly payloads: readonly (() => Promise<Payload>)[];
  readonly deadline: Deadline;
  readonly observation: Observation;
}

export interface Prediction {
  readonly bundle: PublishedBundle;
  /** One per payload, in order. */
  readonly outcomes: readonly PromiseSettledResult<Answer>[];
}

/** A shadow run that takes longer is of no use to anybody. */
const SHADOW_BUDGET_MS = 10_000;

/** Loads the routed model. @throws `MODEL_UNAVAILABLE` when that takes longer than the deadline; it goes on being loaded. */
export const loadModel = ({ models }: Serving, bundle: PublishedBundle, deadline: Deadline): Promise<void> =>
  models.use(bundle, deadline, async () => {});

/** An input that was decoded, or the reason that it was not. */
type Decoded = PromiseSettledResult<{ readonly request: unknown }>;

const decodeAll = async (task: Task, payloads: Call['payloads']): Promise<Decoded[]> =>
  Promise.allSettled(payloads.map(async (payload) => ({ request: task.decode(await payload()) })));

type Refused = PromiseRejectedResult;

/** Whether every input was refused, so that there is nothing to run. */
const areRefused = (decoded: readonly Decoded[]): decoded is Refused[] =>
  decoded.every(({ status }) => status === 'rejected');

const next = <T>(values: Iterator<T>): T => {
  const { value, done } = values.next();
  if (done) throw new ServingError('INTERNAL', 'the task gave fewer answers than it was asked for');
  return value;
};

/** Runs what could be decoded, and puts each outcome back in its place. */
const predictDecoded = async (
  task: Task,
  decoded: readonly Decoded[],
  model: LoadedModel,
  { deadline, observation: { stopwatch } }: Call,
): Promise<PromiseSettledResult<Answer>[]> => {
  const { resources, bundle } = model;
  const graphs = Object.fromEntries(
    Object.entries(model.graphs).map(([role, { signature, run }]): [string, Graph] => [
      role,
      {
        signature,
        run: async (feeds, outputNames) => {
          assertTimeLeft(deadline);
          return run(feeds, outputNames);
        },
      },
    ]),
  );
  const requests = decoded.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.request] : []));
  const predicted = await task.predict(requests, { graphs, resources, maxBatch: bundle.maxBatch }, stopwatch.lap);
  const answers = predicted.values();
  return decoded.map((outcome) => (outcome.status === 'fulfilled' ? next(answers) : outcome));
};

/** Runs the version in the shadow on what `bundle` has answered, and reports how far the two lie apart. */
const runShadow = async (serving: Serving, call: Call, { bundle, outcomes }: Prediction, shadow: PublishedBundle) => {
  const task = call.as === 'raw' ? createRawTask(shadow) : await createTask(shadow);
  const deadline = deadlineAt(Date.now() + SHADOW_BUDGET_MS);
  const observation: Observation = { ...call.observation, stopwatch: startStopwatch(), failures: [] };
  const shadowed = await serving.models.use(shadow, deadline, async (model) =>
    predictDecoded(task, await decodeAll(task, call.payloads), model, { ...call, deadline, observation }),
  );
  const { name: model, version } = bundle;
  serving.telemetry.shadowed({ model, version, shadowVersion: shadow.version, ...compareOutcomes(outcomes, shadowed) });
};

/** Has a shadow run once the answer is out. */
const deferShadow = (serving: Serving, call: Call, prediction: Prediction): void => {
  const readShadow = serving.router.shadow(call.reference, call.key);
  if (readShadow === undefined) return;
  serving.background.defer(async () => {
    try {
      await runShadow(serving, call, prediction, await readShadow());
    } catch (error) {
      serving.telemetry.warned(`the shadow of model ${call.reference.name} was not run`, ServingError.from(error));
    }
  });
};

/**
 * The way of every request: route → (inputs ∥ load) → decode → preprocess → run → postprocess.
 * Inputs that are all wrong are answered before the model is there.
 *
 * @throws what concerns the model as a whole; what concerns one input is its outcome
 */
export const predict = async (serving: Serving, call: Call): Promise<Prediction> => {
  const { observation, deadline } = call;
  const { stopwatch } = observation;
  observation.model = call.reference.name;
  observation.batchSize = call.payloads.length;

  const route = call.routed ?? serving.router.route(call.reference, call.key);
  const bundle = await within(deadline, Promise.resolve(route), 'the model is still being looked up; try again');
  observation.version = bundle.version;
  try {
    const task = call.as === 'raw' ? createRawTask(bundle) : await createTask(bundle);
    stopwatch.lap('route');

    const decoding = within(deadline, decodeAll(task, call.payloads), 'the inputs are still being read');
    const run = async (model: LoadedModel): Promise<Prediction['outcomes']> => {
      const decoded = await decoding;
      if (areRefused(decoded)) return decoded;
      stopwatch.lap('load');
      return predictDecoded(task, decoded, model, call);
    };
    const predicting = serving.models.use(bundle, deadline, run, (outcomes) =>
      outcomes.some(({ status }) => status === 'fulfilled'),
    );
    predicting.catch(() => {}); // awaited below, unless there is nothing to run
    const decoded = await decoding;
    stopwatch.lap('decode');
    const prediction = { bundle, outcomes: areRefused(decoded) ? decoded : await predicting };
    if (!areRefused(decoded)) deferShadow(serving, call, prediction);
    return prediction;
  } catch (error) {
    if (ServingError.from(error).code === 'MODEL_INVALID') serving.router.forget(bundle);
    throw error;
  }
};

/** The value of the only outcome. @throws its reason */
export const single = ({ outcomes: [outcome] }: Prediction): Answer => {
  if (outcome?.status === 'fulfilled') return outcome.value;
  throw ServingError.from(outcome?.reason);
};
