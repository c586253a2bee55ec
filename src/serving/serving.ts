import type { Capture } from '../capture/capture.ts';
import { createPredictionId } from '../capture/prediction-id.ts';
import type { Answer } from '../core/answer.ts';
import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import type { ModelCache } from '../engine/model-cache.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { type Clients, forClients } from '../tasks/client-defaults.ts';
import { createTask } from '../tasks/index.ts';
import type { Task } from '../tasks/task.ts';
import { createTensorTask } from '../tasks/tensor/task.ts';
import type { Background } from './background.ts';
import type { RolloutCounts } from './rollout-counts.ts';
import type { ModelReference, Router } from './router.ts';
import type { Statistics } from './statistics.ts';
import type { Observation, Telemetry } from './telemetry.ts';

/** The objects that a request may refer to: uploads for the model it is sent to, or all uploads. */
export type References = 'model' | 'all';

/** Everything that answers requests, whatever they come through. */
export interface Serving<Store extends ObjectStore = ObjectStore> {
  readonly repository: ModelRepository<Store>;
  readonly router: Router;
  readonly models: ModelCache;
  /** Holds `uploads/` and `results/`. */
  readonly data: ObjectStore;
  readonly references: References;
  /** The function of each model that another one answers for. Uploads and feedback for such a model are taken here, too. */
  readonly elsewhere: Readonly<Record<string, string>>;
  /** The clients whose shape an answer has unless its request says otherwise. */
  readonly clients: Clients;
  readonly telemetry: Telemetry;
  readonly statistics: Statistics;
  readonly rollouts: RolloutCounts;
  readonly capture: Capture;
  readonly background: Background;
  /** Writes what is buffered, before the process ends. Captures that the bucket does not take are counted as lost. Never rejects. */
  end(): Promise<void>;
}

/** A request with any number of inputs for the same model. */
export interface Call {
  readonly reference: ModelReference;
  /** Decides which version answers while a canary takes its share; the same for each attempt at the same request. */
  readonly key?: string;
  /** The version that answers, if it was chosen before. */
  readonly routed?: PublishedBundle;
  /** `task` takes the inputs of the model's own task, `tensors` those of the Open Inference Protocol. */
  readonly as: 'task' | 'tensors';
  /** Each fetches or parses one input, while the model is being loaded. */
  readonly payloads: readonly (() => Promise<Payload>)[];
  readonly deadline: Deadline;
  /** The caller, by the name of its key or token. */
  readonly caller?: string | undefined;
  readonly observation: Observation;
}

export interface Prediction {
  readonly bundle: PublishedBundle;
  /** The id of each payload's prediction, in order: the inputs of a request share one, uploads have their own. */
  readonly ids: readonly string[];
  /** An outcome for each payload, in order. */
  readonly outcomes: readonly PromiseSettledResult<Answer>[];
}

/** True for uploads, each of which is a request of its own. */
export const areUploads = ({ observation }: Call): boolean => observation.operation === 'upload';

/** New ids for the payloads of a call that a version answers. */
export const createIds = (call: Call, { name, version }: PublishedBundle): string[] => {
  const nowMs = Date.now();
  const id = createPredictionId(name, version, nowMs);
  return call.payloads.map((_, index) =>
    index === 0 || !areUploads(call) ? id : createPredictionId(name, version, nowMs),
  );
};

/** Loads the routed model. @throws `MODEL_UNAVAILABLE` when that takes longer than the deadline; it goes on being loaded */
export const loadModel = ({ models }: Serving, bundle: PublishedBundle, deadline: Deadline): Promise<void> =>
  models.use(bundle, deadline, async () => {});

/** The tensor task of each version, which lives as long as its bundle. */
const tensorTasks = new WeakMap<PublishedBundle, Task>();

const tensorTaskOf = (bundle: PublishedBundle): Task => {
  const task = tensorTasks.get(bundle) ?? createTensorTask(bundle);
  tensorTasks.set(bundle, task);
  return task;
};

/** The task that answers `call` with a version. @throws `MODEL_INVALID` */
export const taskOf = async ({ clients }: Serving, { as }: Call, bundle: PublishedBundle): Promise<Task> =>
  as === 'tensors' ? tensorTaskOf(bundle) : forClients(await createTask(bundle), bundle.task, clients);

/** @throws `NOT_FOUND` for a model of another function */
const assertAnswered = (elsewhere: Serving['elsewhere'], name: string): void => {
  if (!Object.hasOwn(elsewhere, name)) return;
  throw new ServingError(
    'NOT_FOUND',
    `model ${name} is served by the function ${elsewhere[name]}: send the request to /models/${name}, or to the base URL /models/${name}/v1`,
    { operator: 'the stage parameter fleet says so' },
  );
};

/** Chooses the version that answers, and notes it. @throws `NOT_FOUND`; `MODEL_UNAVAILABLE` when that takes longer than the deadline */
export const routeCall = async ({ elsewhere, router, models }: Serving, call: Call): Promise<PublishedBundle> => {
  const { reference, key, routed, deadline, observation } = call;
  observation.model = reference.name;
  assertAnswered(elsewhere, reference.name);
  observation.batchSize = call.payloads.length;
  const bundle = routed ?? (await router.route(reference, key, deadline));
  observation.version = bundle.version;
  const step = router.canaryStep(reference, key, bundle.version);
  if (step) Object.assign(observation, { step, key, waited: models.state(bundle)?.name !== 'ready' });
  return bundle;
};

/** Has the bundle read again after a failure that a push may have mended since. */
export const forgetInvalid = ({ router }: Serving, bundle: PublishedBundle, error: unknown): void => {
  if (ServingError.from(error).code === 'MODEL_INVALID') router.forget(bundle);
};

/** The answer of the only outcome. @throws its reason */
export const single = ({ outcomes: [outcome] }: Prediction): Answer => {
  if (outcome?.status === 'fulfilled') return outcome.value;
  throw ServingError.from(outcome?.reason);
};
