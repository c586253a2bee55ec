import type { Arm, Captured } from '../capture/record.ts';
import { deadlineAt } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import type { Features } from '../core/features.ts';
import type { Payload } from '../core/payload.ts';
import { hashKey } from '../monitoring/rollouts/step-counts.ts';
import { callerKey, countedStep } from './rollout-counts.ts';
import type { AfterAnswer, Run } from './run.ts';
import { areUploads, type Call, type Prediction, type Serving } from './serving.ts';

/** Figures of an input that take longer are left out. */
const DESCRIBE_BUDGET_MS = 5_000;

/** The figures of the input at `index`; none when it was refused, or when they cannot be had. */
const featuresOf = async (run: Run | undefined, index: number): Promise<readonly Features[]> => {
  const decoded = run?.decoded[index];
  if (run?.task.describe === undefined || decoded?.status !== 'fulfilled') return [];
  const model = { resources: run.resources, deadline: deadlineAt(Date.now() + DESCRIBE_BUDGET_MS) };
  try {
    return await run.task.describe(decoded.value.request, model);
  } catch {
    return [];
  }
};

const toOutcome = (outcome: Prediction['outcomes'][number] | undefined): Captured['outcome'] =>
  outcome?.status === 'fulfilled' ? { answer: outcome.value } : { error: ServingError.from(outcome?.reason).code };

/** Facts of a run that its call does not tell. */
interface Facts {
  readonly arm: Arm;
  readonly latencyMs: number;
}

/** The unit by which a prediction counts for an automatic canary: callers with a key of their own count once. */
const unitOf = (call: Call, arm: Arm, id: string): string | undefined => {
  if (arm === 'shadow' || countedStep(call.observation) === undefined) return undefined;
  return hashKey((areUploads(call) ? undefined : callerKey(call.observation)) ?? id);
};

/** The work that captures the outcomes of a run; undefined when there is none. */
export const captureRun = (
  { capture, router }: Serving,
  call: Call,
  { bundle, ids, outcomes }: Prediction,
  run: Run | undefined,
  { arm, latencyMs }: Facts,
): (() => Promise<void>) | undefined => {
  const { payloads, as } = call;
  const { name: model, version } = bundle;
  const routing = router.known(model);
  if (routing !== undefined && !routing.captured) return undefined;
  const timeMs = Date.now();
  const isEachAlone = areUploads(call);
  const { operation } = call.observation;
  const source = operation === 'upload' || operation === 'job' ? operation : 'request';
  const task = as === 'tensors' ? 'tensor' : bundle.task;
  const facts = { model, version, task, arm, source, timeMs, latencyMs };
  const describe = async (chosen: ReadonlySet<string>): Promise<Captured[]> => {
    const captured: Captured[] = [];
    for (const [index, id] of ids.entries()) {
      if (!chosen.has(id)) continue;
      const payload: Payload | undefined = await payloads[index]?.().catch(() => undefined);
      const features = await featuresOf(run, index);
      const place = isEachAlone ? { index: 0, of: 1 } : { index, of: ids.length };
      const unit = unitOf(call, arm, id);
      captured.push({ ...facts, id, place, unit, outcome: toOutcome(outcomes[index]), payload, features });
    }
    return captured;
  };
  const isFailed = outcomes.some(({ status }) => status === 'rejected');
  return capture.prepare({ ids, model, isFailed, describe });
};

/** The part that the answering version has in the roll-out, as this process knows it. */
const armOf = ({ router }: Serving, { reference }: Call, version: number): Arm => {
  if (reference.version !== undefined || reference.alias !== undefined) return 'pinned';
  const routing = router.known(reference.name);
  return routing?.canary?.version === version && routing.stable !== version ? 'canary' : 'stable';
};

/** The capture of the predictions that were answered, or could not be. */
export const capturePrediction: AfterAnswer = (serving, call, prediction, run) =>
  captureRun(serving, call, prediction, run, {
    arm: armOf(serving, call, prediction.bundle.version),
    latencyMs: call.observation.stopwatch.totalMs(),
  });
