import { describe, expect, it } from '@jest/globals';
import { estimate } from '../../../src/advise/estimate.ts';
import { withOverrides } from '../../../src/advise/prices.ts';
import { compareServices, curvesOf, type ServiceName, workOf } from '../../../src/advise/services.ts';
import { PROFILE } from '../../support/advice.ts';

const prices = withOverrides({});
const lambda = estimate(PROFILE, 1769, 'x86_64', { prices, measured: 'x86_64' });
const work = workOf(lambda, PROFILE, prices);
/** A request each second, ten in the busiest one. */
const traffic = { requestsPerDay: 86_400, burst: 10 };
const found = Object.fromEntries(compareServices(work, traffic).map((cost) => [cost.service, cost]));
const dollars = (service: ServiceName): number => found[service]?.dollarsPerMonth ?? Number.NaN;
const MONTH_MILLIONS = 2.592;

describe('the price of a month', () => {
  it('of Lambda is that of the requests, the API, and the time', () => {
    expect(dollars('lambda')).toBeCloseTo(MONTH_MILLIONS * (1 + 0.2 + 1e6 * 0.10075 * (1769 / 1024) * 0.0000166667), 6);
  });

  it('of provisioned concurrency is that of the environments for the busiest second', () => {
    // Ten requests of 100.25 ms take two environments.
    expect(found.provisioned?.size).toBe('2 × 1769 MB');
    const kept = 2 * (1769 / 1024) * 2_592_000 * 0.0000041667;
    const run = MONTH_MILLIONS * (1.2 + 1e6 * 0.10075 * (1769 / 1024) * 0.0000097222);
    expect(dollars('provisioned')).toBeCloseTo(kept + run, 6);
  });

  it('of Managed Instances is that of three instances, their fee, and the requests', () => {
    expect(dollars('managed')).toBeCloseTo(3 * 720 * 0.1008 * 1.15 + MONTH_MILLIONS * 1.2, 6);
  });

  it('of Fargate is that of tasks that are 70 % busy at most, and of a load balancer', () => {
    // Ten requests of 100 ms keep 1.43 vCPUs busy.
    expect(found.fargate?.size).toBe('2 × 1 vCPU, 2 GB');
    expect(dollars('fargate')).toBeCloseTo(720 * (2 * (0.04048 + 2 * 0.004445) + 0.0225 + 0.008 / 25), 6);
  });

  it('of Cloud Run is that of 100 ms for each request', () => {
    expect(dollars('cloudRun')).toBeCloseTo(MONTH_MILLIONS * (0.4 + 1e6 * 0.1 * (0.000024 + 0.5 * 0.0000025)), 6);
  });

  it('of Container Apps is that of a replica, which stays for five minutes after a request', () => {
    expect(dollars('containerApps')).toBeCloseTo(MONTH_MILLIONS * 0.4 + 2_592_000 * (0.000024 + 2 * 0.000003), 6);
    const [few] = [
      compareServices(work, { requestsPerDay: 1, burst: 1 }).find(({ service }) => service === 'containerApps'),
    ];
    expect(few?.dollarsPerMonth).toBeCloseTo(30e-6 * 0.4 + 2_592_000 * (1 - Math.exp(-300 / 86_400)) * 0.00003, 6);
  });
});

it('a process of much memory takes the vCPUs that come with it', () => {
  const large = compareServices({ ...work, peakBytes: 6 * 1024 ** 3 }, traffic);
  const sizes = Object.fromEntries(large.map(({ service, size }) => [service, size]));
  expect(sizes).toMatchObject({
    fargate: '2 × 1 vCPU, 6 GB',
    cloudRun: '2 vCPU, 6 GiB',
    containerApps: '3 vCPU, 6 GiB',
  });
  // A second of CPU a second, on machines of three vCPUs: one of them is enough.
  const busy = { requestsPerDay: 864_000, burst: 10 };
  const apps = compareServices({ ...work, peakBytes: 6 * 1024 ** 3 }, busy).at(-1)?.dollarsPerMonth;
  expect(apps).toBeCloseTo(25.92 * 0.4 + 2_592_000 * 3 * (0.000024 + 2 * 0.000003), 6);
});

describe('a break-even point', () => {
  it('is where a service begins to be cheaper than Lambda', () => {
    const steady = (requestsPerDay: number) =>
      compareServices(work, { requestsPerDay, burst: (requestsPerDay / 86_400) * 2 });
    const dollarsOf = (requestsPerDay: number, place: number) => steady(requestsPerDay)[place]?.dollarsPerMonth ?? 0;
    const { service, breakEven = 0 } = steady(1000)[3] ?? {};
    expect(service).toBe('fargate');
    expect(breakEven).toBeGreaterThan(1000);
    expect(dollarsOf(breakEven * 0.95, 3)).toBeGreaterThan(dollarsOf(breakEven * 0.95, 0));
    expect(dollarsOf(breakEven, 3)).toBeLessThan(dollarsOf(breakEven, 0));
  });

  it('does not exist for a service that is always dearer', () => {
    const dear = workOf(lambda, PROFILE, withOverrides({ 'fargate.vcpu': 1e6 }));
    expect(compareServices(dear, traffic).find(({ service }) => service === 'fargate')).not.toHaveProperty('breakEven');
  });
});

it('a curve goes through the price of the traffic', () => {
  const at = { requestsPerDay: 100_000, burst: 20 };
  const cost = compareServices(work, at).find(({ service }) => service === 'fargate')?.dollarsPerMonth;
  expect(curvesOf(work, at).fargate).toContainEqual([100_000, cost]);
});
