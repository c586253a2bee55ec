import type { ModelRepository } from '../../repository/model-repository.ts';
import type { Routing } from '../../repository/routing/routing.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { type DriftNow, judgeNow } from '../drift/judge-now.ts';
import type { DayAccuracy } from '../feedback/accuracy.ts';
import { scoreRecentDays } from '../feedback/score-days.ts';
import { dayPrefix, hourOf } from '../figures/hours.ts';
import { type ModelFigures, readFigures } from '../figures/read-figures.ts';
import { parseFigures } from '../figures/version-figures.ts';

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

/** Requests by hour. */
const readTraffic = async (data: ObjectStore, name: string, nowMs: number): Promise<[string, number][]> => {
  const hours = Array.from({ length: HOURS }, (_, index) => hourOf(nowMs - (HOURS - 1 - index) * HOUR_MS));
  return Promise.all(
    hours.map(async ({ day, hour }): Promise<[string, number]> => {
      let requests = 0;
      for await (const { key } of data.list(`${dayPrefix(name, day)}${hour}`)) {
        const figures = parseFigures(Buffer.from((await data.read(key)).body).toString('utf8'));
        for (const version of Object.values(figures?.versions ?? {})) requests += version.requests;
      }
      return [`${hour}:00`, requests];
    }),
  );
};

/** Reads what the page shows of a model. @throws `NOT_FOUND`, `MODEL_UNAVAILABLE` */
export const readMonitoredModel = async (
  { repository, data }: { readonly repository: ModelRepository; readonly data: ObjectStore },
  name: string,
  nowMs: number,
): Promise<MonitoredModel> => {
  const { routing } = await repository.routing(name);
  return {
    ...{ name, nowMs, routing },
    figures: await readFigures(data, name, nowMs - (HOURS - 1) * HOUR_MS, nowMs),
    traffic: await readTraffic(data, name, nowMs),
    drift: await judgeNow({ repository, data, nowMs }, name, routing.stable),
    accuracy: await scoreRecentDays(data, name, nowMs),
  };
};
