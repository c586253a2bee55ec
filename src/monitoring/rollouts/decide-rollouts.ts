import { ServingError } from '../../core/errors.ts';
import { ROLLOUTS_PREFIX, stepPrefix } from '../../repository/keys.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import { changeRouting, type RoutingChanger } from '../../repository/routing/change-routing.ts';
import { endCanary, promote, ROLL_BACK, setCanary } from '../../repository/routing/rollout.ts';
import type { Monitor, MonitorJob, RolloutReport } from '../job.ts';
import { type AutomaticCanary, automaticCanary } from './guards.ts';
import type { Decision } from './judge-step.ts';
import { readRollout } from './read-rollout.ts';

/** The author of the changes in the history. */
const MONITOR = 'monitor';
/** A canary that ended so long ago is counted no more by any function. */
const LEFT_OVER_MS = 3_600_000;

const ACTIONS: Readonly<Record<RolloutReport['action'], string>> = {
  ...{ raise: 'canary', time: 'canary', promote: 'promote', rollback: ROLL_BACK },
};

/** The change that a decision asks for, of the step that was judged alone: whoever changed the canary meanwhile has the last word. */
const toChange = (decision: Decision, { version, weight, plan }: AutomaticCanary, nowMs: number): RoutingChanger => {
  const changeTo = (): RoutingChanger => {
    if (decision.action === 'rollback') return endCanary(version);
    if (decision.action === 'promote') return promote(version);
    if (decision.action === 'time') return setCanary({ version, weight, plan: { ...plan, slowMs: decision.slowMs } });
    const next = decision.action === 'raise' ? decision.weight : weight;
    return setCanary({ version, weight: next, plan: { ...plan, since: new Date(nowMs).toISOString() } });
  };
  return (current) => {
    const judged = current?.canary;
    const isSame = judged?.version === version && judged.weight === weight && judged.plan?.since === plan.since;
    return isSame ? changeTo()(current) : undefined;
  };
};

/** Removes the counts of earlier steps. A function that counts for one of them yet loses nothing that counts. */
const removeLeftOvers = async ({ data, nowMs }: Monitor, prefix: string, kept: string | undefined): Promise<void> => {
  for await (const { key, modifiedMs } of data.list(prefix))
    if ((kept === undefined || !key.startsWith(kept)) && modifiedMs < nowMs() - LEFT_OVER_MS) await data.remove(key);
};

const decide = async (monitor: Monitor, model: string): Promise<void> => {
  const { repository, data, telemetry, nowMs } = monitor;
  const routing = (await unlessMissing(repository.routing(model)))?.routing;
  const canary = automaticCanary(routing ?? {});
  const step = canary && stepPrefix(model, canary.version, canary.plan.since);
  await removeLeftOvers(monitor, `${ROLLOUTS_PREFIX}${model}/`, step);
  if (canary === undefined || routing === undefined) return;
  const onBroken = (key: string, error: ServingError): void => telemetry.warned(`${key} is left out`, error);
  const state = await readRollout({ repository, data, nowMs: nowMs(), onBroken }, model, routing);
  const decision = state?.decision;
  if (decision === undefined || decision.action === 'wait') return;
  const { action, note } = decision;
  const reason = { by: MONITOR, action: ACTIONS[action], note };
  const changed = await changeRouting(repository, model, reason, toChange(decision, canary, nowMs()));
  if (changed) await telemetry.decided({ model, version: canary.version, action, note });
};

/**
 * Decides about each automatic canary for which a function has counted. A canary without counts stays as it is: missing data promotes nothing.
 * A second monitor that decides at the same time finds the routing changed.
 */
export const decideRollouts: MonitorJob = async (monitor) => {
  for await (const model of monitor.data.folders(ROLLOUTS_PREFIX))
    try {
      await decide(monitor, model);
    } catch (error) {
      monitor.telemetry.warned(`the canary of model ${model} was not judged`, ServingError.from(error));
    }
};
