import { type Answer, usageOf } from '../core/answer.ts';
import { within } from '../core/deadline.ts';
import { sumUsages } from '../core/usage.ts';
import type { LoadedModel, Trial } from '../engine/model-loader.ts';
import { afterAnswer } from './after-answer.ts';
import { areRefused, type Decoded, decodeAll, inOrder, requestsOf, toTaskModel } from './decoded.ts';
import type { Run } from './run.ts';
import { type Call, createIds, forgetInvalid, type Prediction, routeCall, type Serving, taskOf } from './serving.ts';
import type { Observation } from './telemetry.ts';

type Outcomes = PromiseSettledResult<Answer>[];

const isAnswered = (outcomes: Outcomes): boolean => outcomes.some(({ status }) => status === 'fulfilled');

/**
 * The way of every request: route → (inputs ∥ load) → decode → preprocess → run → postprocess.
 * When every input is refused, the answer does not wait for the model.
 *
 * @throws an error that concerns the model as a whole; an error of one input is its outcome
 */
export const predict = async (serving: Serving, call: Call): Promise<Prediction> => {
  const { payloads, deadline, observation } = call;
  const { stopwatch } = observation;
  const bundle = await routeCall(serving, call);
  const ids = createIds(call, bundle);
  const end = (outcomes: Outcomes, ran?: Run): Prediction => {
    const prediction = { bundle, ids, outcomes };
    afterAnswer(serving, call, prediction, ran);
    return prediction;
  };
  try {
    const task = await taskOf(serving, call, bundle);
    stopwatch.lap('route');

    const run = (decoded: readonly Decoded[], model: LoadedModel): Promise<Outcomes> => {
      stopwatch.lap('load');
      return task.predict(requestsOf(decoded), toTaskModel(model, call, deadline, serving), stopwatch.lap);
    };
    const decoding = within(deadline, decodeAll(task, payloads), 'the inputs are still being read');
    let tried: Promise<Outcomes> | undefined;
    const trial: Trial = async (model) => {
      const decoded = await decoding.catch(() => []);
      if (areRefused(decoded)) return false;
      tried = run(decoded, model);
      return tried.then(isAnswered, () => false);
    };
    const loading = serving.models.acquire(bundle, deadline, trial);
    loading.catch(() => {}); // awaited below, unless there is nothing to run

    const decoded = await decoding.catch((error: unknown) => {
      releaseLater(loading);
      throw error;
    });
    stopwatch.lap('decode');
    if (areRefused(decoded)) {
      releaseLater(loading);
      return end(decoded);
    }
    const lease = await loading;
    try {
      const outcomes = inOrder(decoded, await (tried ?? run(decoded, lease.value)));
      noteUsage(observation, outcomes);
      return end(outcomes, { task, decoded, resources: lease.value.resources });
    } finally {
      lease.release();
    }
  } catch (error) {
    forgetInvalid(serving, bundle, error);
    end(ids.map(() => ({ status: 'rejected', reason: error })));
    throw error;
  }
};

const noteUsage = (observation: Observation, outcomes: Outcomes): void => {
  const usages = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [usageOf(outcome.value)] : []));
  const usage = sumUsages(usages);
  if (Object.keys(usage).length > 0) observation.usage = usage;
};

/** Gives a lease back that came for nothing. */
const releaseLater = (loading: Promise<{ release(): void }>): void => {
  loading.then(({ release }) => release()).catch(() => {});
};
