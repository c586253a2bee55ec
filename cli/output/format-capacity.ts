import type { Candidate, CapacityPlan, PlanOptions } from '../../src/advise/capacity/plan-capacity.ts';
import { formatTable } from './format.ts';
import { formatDollars, formatMs } from './format-advice.ts';

export interface PlanReport extends Pick<PlanOptions, 'limitMs' | 'timezone' | 'leadMinutes' | 'memoryMb'> {
  /** Most dollars a month; undefined for no limit. */
  readonly budget?: number;
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

const row = (title: string, { coldShare, p99Ms, dollarsPerMonth }: Candidate): string[] => [
  ...[title, percent(coldShare), formatMs(p99Ms), formatDollars(dollarsPerMonth)],
];

/** Parameters of a deployment. */
export const describeParameters = ({ schedule }: Candidate, { timezone, leadMinutes }: PlanReport): string =>
  [`provisionedSchedule=${schedule}`, `scheduleTimezone=${timezone}`, `scheduleLead=${leadMinutes}`]
    .map((parameter) => `--param="${parameter}"`)
    .join(' ');

const describeAnswer = (plan: CapacityPlan, report: PlanReport): string => {
  const { choice, warmP99Ms } = plan;
  const { limitMs, budget, memoryMb } = report;
  const nothing = `No schedule keeps a p99 of ${limitMs} ms`;
  if (warmP99Ms > limitMs) {
    const warm = `99 % of the requests to warm environments take up to ${formatMs(warmP99Ms)}`;
    return `${nothing}: ${warm}. advise finds a faster function.`;
  }
  if (choice === undefined) return `${nothing}.`;
  if (budget !== undefined && choice.dollarsPerMonth > budget) {
    const costs = `the cheapest costs ${formatDollars(choice.dollarsPerMonth)}`;
    const least = `nothing kept costs ${formatDollars(plan.none.dollarsPerMonth)}`;
    return `${nothing} for ${formatDollars(budget)} a month: ${costs}, and ${least}.`;
  }
  if (choice.schedule === '') return `Nothing has to be kept for a p99 of ${limitMs} ms.`;
  return `Cheapest for a p99 of ${limitMs} ms on ${memoryMb} MB: ${choice.schedule}\nnpx sls deploy ${describeParameters(choice, report)}`;
};

/** The plan for people: what becomes of the requests, and the parameter of the deployment. */
export const formatPlan = (plan: CapacityPlan, report: PlanReport): string => {
  const { requests, days, none, choice, always } = plan;
  return [
    `${requests.toLocaleString('en')} requests in ${days} ${days === 1 ? 'day' : 'days'}`,
    formatTable([
      ['kept', 'cold', 'p99', '$ a month'],
      row('nothing', none),
      ...(choice !== undefined && choice.schedule !== '' ? [row(choice.schedule, choice)] : []),
      ...(always !== undefined ? [row(`always: ${always.schedule}`, always)] : []),
    ]),
    describeAnswer(plan, report),
  ].join('\n\n');
};
