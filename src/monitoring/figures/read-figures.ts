import { ServingError } from '../../core/errors.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { readEach } from '../read-each.ts';
import { dayPrefix, hourOf } from './hours.ts';
import { priceOf } from './prices.ts';
import { addFigures, noFigures, parseFigures, type VersionFigures } from './version-figures.ts';

/** The figures of a model over all functions and environments of a time. */
export interface ModelFigures {
  /** By version. */
  readonly versions: ReadonlyMap<number, VersionFigures>;
  /** Megabytes of memory of the functions that answered: the least. */
  readonly memoryMb: number | undefined;
  /** US dollars at list prices, without free tiers, and those by hour, `2026-11-26 08`. */
  readonly cost: number;
  readonly costs: ReadonlyMap<string, number>;
  /** Requests by hour, `2026-11-26 08`; hours without requests are missing. */
  readonly traffic: ReadonlyMap<string, number>;
  /** Objects that could not be read, and are left out. */
  readonly broken: readonly string[];
}

const DAY_MS = 86_400_000;
/** Functions that are not behind the HTTP API, as `infer` and those of a fleet are. */
const OTHER_FUNCTION = /(^|-)(on-upload|job|bulk|stream)$/;

/** The keys of whole hours that a time touches. */
const keysOf = async (store: ObjectStore, model: string, fromMs: number, toMs: number): Promise<string[]> => {
  const keys: string[] = [];
  const first = hourOf(fromMs);
  for (let ms = fromMs - (fromMs % DAY_MS); ms <= toMs; ms += DAY_MS) {
    const { day } = hourOf(ms);
    const prefix = dayPrefix(model, day);
    for await (const { key } of store.list(prefix))
      if (day !== first.day || key.slice(prefix.length, prefix.length + 2) >= first.hour) keys.push(key);
  }
  return keys;
};

/** `2026-11-26 08`, of a key that ends in `2026-11-26/08-<environment>.json`. */
const timeOf = (key: string): string => key.split('/').slice(-2).join(' ').slice(0, 13);

/** Adds the figures of a model, of all hours that a time touches. @throws `MODEL_UNAVAILABLE` */
export const readFigures = async (
  store: ObjectStore,
  model: string,
  fromMs: number,
  toMs: number,
): Promise<ModelFigures> => {
  const versions = new Map<number, VersionFigures>();
  const broken: string[] = [];
  const traffic = new Map<string, number>();
  let memoryMb: number | undefined;
  const costs = new Map<string, number>();
  const keys = await keysOf(store, model, fromMs, toMs);
  await readEach(
    store,
    keys,
    (text, key) => {
      const hour = parseFigures(text);
      if (hour === undefined) throw new ServingError('INVALID_INPUT', `${key} has no figures`);
      const time = timeOf(key);
      memoryMb = Math.min(memoryMb ?? hour.memoryMb, hour.memoryMb);
      for (const [version, figures] of Object.entries(hour.versions)) {
        const { requests, billedMs, initMs } = figures;
        traffic.set(time, (traffic.get(time) ?? 0) + requests);
        const price = priceOf(requests, billedMs + initMs, hour.memoryMb, !OTHER_FUNCTION.test(hour.functionName));
        costs.set(time, (costs.get(time) ?? 0) + price);
        versions.set(Number(version), addFigures(versions.get(Number(version)) ?? noFigures(), figures));
      }
    },
    (key) => broken.push(key),
  );
  const cost = [...costs.values()].reduce((sum, price) => sum + price, 0);
  return { versions, memoryMb, cost, costs, traffic, broken: broken.sort() };
};
