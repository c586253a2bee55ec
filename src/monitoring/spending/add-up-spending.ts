import { ServingError } from '../../core/errors.ts';
import { FIGURES_PREFIX } from '../../repository/keys.ts';
import { readFigures } from '../figures/read-figures.ts';
import type { Monitor, MonitorJob } from '../job.ts';
import { monthOf, noSpending, readSpending, type Spending, spendingKey } from './spending-document.ts';

const HOUR_MS = 3_600_000;

/** An environment writes its figures once a minute at most: an hour does not change once the one behind it has ended. */
const openHourMs = (nowMs: number): number => nowMs - (nowMs % HOUR_MS) - HOUR_MS;

/** US dollars by hour, `2026-11-26 08`, over all models that have had figures. @throws `MODEL_UNAVAILABLE` */
const readCosts = async (
  { data, telemetry }: Pick<Monitor, 'data' | 'telemetry'>,
  fromMs: number,
  nowMs: number,
): Promise<[hour: string, number][]> => {
  const costs: [string, number][] = [];
  for await (const model of data.folders(FIGURES_PREFIX)) {
    const figures = await readFigures(data, model, fromMs, nowMs);
    costs.push(...figures.costs);
    for (const key of figures.broken)
      telemetry.warned(
        'the spending lacks an hour of an environment',
        new ServingError('INVALID_INPUT', `${key} has no figures`),
      );
  }
  return costs;
};

const addUp = (before: Spending, costs: readonly [hour: string, number][], nowMs: number): Spending => {
  const openMs = Math.max(Date.parse(before.settledTo), openHourMs(nowMs));
  let { settledDollars } = before;
  let openDollars = 0;
  for (const [hour, dollars] of costs)
    if (Date.parse(`${hour.replace(' ', 'T')}:00:00Z`) < openMs) settledDollars += dollars;
    else openDollars += dollars;
  const settledTo = new Date(openMs).toISOString();
  return { formatVersion: 1, dollars: settledDollars + openDollars, settledDollars, settledTo };
};

/** Adds up what the requests of the month have cost, by the figures that the functions write. Without a limit, nobody asks. */
export const addUpSpending: MonitorJob = async (monitor) => {
  const { data, nowMs, telemetry, maxMonthlyDollars } = monitor;
  if (maxMonthlyDollars === 0) return;
  const now = nowMs();
  const month = monthOf(now);
  const found = await readSpending(data, month);
  const before = found === undefined || found === 'unchanged' ? noSpending(month) : found.spending;
  const spending = addUp(before, await readCosts(monitor, Date.parse(before.settledTo), now), now);
  await data.write(spendingKey(month), JSON.stringify(spending), { contentType: 'application/json' });
  await telemetry.spent({
    ...{ month, dollars: spending.dollars, limitDollars: maxMonthlyDollars },
    isReached: before.dollars < maxMonthlyDollars && spending.dollars >= maxMonthlyDollars,
  });
};
