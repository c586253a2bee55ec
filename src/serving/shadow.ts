import { deadlineAt } from '../core/deadline.ts';
import { startStopwatch } from '../core/stopwatch.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { captureRun } from './capture.ts';
import { compareOutcomes } from './compare-answers.ts';
import { decodeAll, inOrder, requestsOf, toTaskModel } from './decoded.ts';
import type { CanaryStep } from './router.ts';
import type { AfterAnswer, Run } from './run.ts';
import { type Call, type Prediction, type Serving, taskOf } from './serving.ts';

/** A shadow run that takes longer is of no use to anybody. */
const SHADOW_BUDGET_MS = 10_000;

/** The automatic canary that the shadow is, of an answer of the stable version. */
const stepOfShadow = ({ observation: { step } }: Call, { version }: PublishedBundle): CanaryStep | undefined =>
  step?.arm === 'stable' && step.version === version ? step : undefined;

/** Runs the shadow version on the inputs that `bundle` has answered, and reports how far the two answers lie apart. */
const runShadow = async (
  serving: Serving,
  call: Call,
  { bundle, ids, outcomes }: Prediction,
  shadow: PublishedBundle,
): Promise<void> => {
  const task = await taskOf(serving, call, shadow);
  const deadline = deadlineAt(Date.now() + SHADOW_BUDGET_MS);
  const { lap, totalMs } = startStopwatch();
  const decoded = await decodeAll(task, call.payloads);
  let run: Run | undefined;
  const shadowed = await serving.models.use(shadow, deadline, async (model) => {
    run = { task, decoded, resources: model.resources };
    return inOrder(decoded, await task.predict(requestsOf(decoded), toTaskModel(model, call, deadline, serving), lap));
  });
  const latencyMs = totalMs();
  const { name: model, version } = bundle;
  const compared = compareOutcomes(outcomes, shadowed);
  serving.telemetry.shadowed({ model, version, shadowVersion: shadow.version, ...compared });
  const { comparisons, failures } = compared;
  const changed = comparisons.filter((comparison) => comparison.changed).length + failures.length;
  serving.rollouts.compare(stepOfShadow(call, shadow), comparisons.length + failures.length, changed);
  await captureRun(serving, call, { bundle: shadow, ids, outcomes: shadowed }, run, { arm: 'shadow', latencyMs })?.();
};

/** The run of the shadow version, for its share of the requests. */
export const shadowRun: AfterAnswer = (serving, call, prediction, run) => {
  if (run === undefined) return undefined;
  const readShadow = serving.router.shadow(call.reference, call.key);
  return readShadow && (async () => runShadow(serving, call, prediction, await readShadow()));
};
