import type { ModelRepository } from '../../repository/model-repository.ts';
import type { Routing } from '../../repository/routing/routing.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { type DriftNow, judgeNow } from '../drift/judge-now.ts';
import type { DayAccuracy } from '../feedback/accuracy.ts';
import { scoreRecentDays } from '../feedback/score-days.ts';
import { hourOf } from '../figures/hours.ts';
import { type ModelFigures, readFigures } from '../figures/read-figures.ts';

const HOUR_MS = 3_600_000;
const HOURS = 24;

/** Everything that the page shows of a model. */
export interface MonitoredModel {
  readonly name: string;
  readonly nowMs: number;
  readonly routing: Routing;
  readonly figures: ModelFigures;
  /** Requests of each of the last hours, oldest first. */
  readonly traffic: readonly (readonly [hour: string, requests: number])[];
  readonly drift: DriftNow;
  readonly accuracy: readonly DayAccuracy[];
}

/** A model that the page cannot show, and the reason. */
export interface BrokenModel {
  readonly name: string;
  readonly problem: string;
}

/** Requests by hour; 0 where there are none. */
const trafficOf = ({ traffic }: ModelFigures, nowMs: number): [string, number][] =>
  Array.from({ length: HOURS }, (_, index): [string, number] => {
    const { day, hour } = hourOf(nowMs - (HOURS - 1 - index) * HOUR_MS);
    return [`${hour}:00`, traffic.get(`${day} ${hour}`) ?? 0];
  });

/** Reads what the page shows of a model. @throws `NOT_FOUND`, `MODEL_UNAVAILABLE` */
export const readMonitoredModel = async (
  { repository, data }: { readonly repository: ModelRepository; readonly data: ObjectStore },
  name: string,
  nowMs: number,
): Promise<MonitoredModel> => {
  const { routing } = await repository.routing(name);
  const figures = await readFigures(data, name, nowMs - (HOURS - 1) * HOUR_MS, nowMs);
  return {
    ...{ name, nowMs, routing, figures, traffic: trafficOf(figures, nowMs) },
    drift: await judgeNow({ repository, data, nowMs }, name, routing.stable),
    accuracy: await scoreRecentDays(data, name, nowMs),
  };
};
