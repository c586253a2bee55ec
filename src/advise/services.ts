import { BYTES_PER_LAMBDA_MB } from '../core/format-bytes.ts';
import { billedMs, type Estimate } from './estimate.ts';
import type { Prices } from './prices.ts';
import type { Profile } from './profile.ts';

/** The requests of a model. */
export interface Traffic {
  readonly requestsPerDay: number;
  /** Requests a second at the busiest time. */
  readonly burst: number;
}

/** The work that a service has to do for the requests. */
export interface Work {
  readonly prices: Prices;
  /** The function that was chosen. */
  readonly lambda: Estimate;
  /** Mean CPU time of a request, in milliseconds, on one vCPU. */
  readonly cpuMs: number;
  /** Memory of the process at its peak. */
  readonly peakBytes: number;
}

const [DAYS, HOURS, SECONDS] = [30, 30 * 24, 30 * 24 * 3600];
/** The part of a machine that is used at the busiest time: a queue grows without bounds near 1. */
const UTILISATION = 0.7;
/** Lambda starts three instances, one for each availability zone. */
const LEAST_INSTANCES = 3;
const INSTANCE_VCPUS = 2;
/** New connections a second that one capacity unit of a load balancer carries. */
const CONNECTIONS_PER_LCU = 25;
/** Cloud Run bills such steps of an instance that answers. */
const CLOUD_RUN_STEP_MS = 100;
/** Container Apps keeps a replica for this time after its last request. https://learn.microsoft.com/azure/container-apps/scale-app */
const COOL_DOWN_S = 300;

const gibOf = ({ peakBytes }: Work): number => peakBytes / (1024 * BYTES_PER_LAMBDA_MB);

/** Machines of so many vCPUs that the busiest time needs. */
const machines = ({ cpuMs }: Work, { burst }: Traffic, vcpus: number): number =>
  Math.max(1, Math.ceil((burst * cpuMs) / 1000 / (vcpus * UTILISATION)));

/** US dollars a month for a number of requests. */
const millions = ({ requestsPerDay }: Traffic): number => (requestsPerDay * DAYS) / 1e6;

/** Machines of so many vCPUs that the mean of the requests keeps busy. */
const meanMachines = ({ cpuMs }: Work, { requestsPerDay }: Traffic, vcpus: number): number =>
  Math.max(1, ((requestsPerDay / 86_400) * cpuMs) / 1000 / (vcpus * UTILISATION));

interface Service {
  readonly title: string;
  /** For people, behind the title: the size for this traffic. */
  readonly size: (work: Work, traffic: Traffic) => string;
  /** US dollars a month. */
  readonly dollars: (work: Work, traffic: Traffic) => number;
}

const environments = ({ lambda }: Work, { burst }: Traffic): number =>
  Math.max(1, Math.ceil((burst * lambda.latencyMs.mean) / 1000));

const instances = (work: Work, traffic: Traffic): number =>
  Math.max(LEAST_INSTANCES, machines(work, traffic, INSTANCE_VCPUS));

/** Memory of a task of one vCPU: Fargate has whole GB from 2 to 8. */
const fargateGb = (work: Work): number => Math.min(8, Math.max(2, Math.ceil(gibOf(work))));
/**
 * Cloud Run has at least half a GiB, and at most 4 GiB for a vCPU. No process that fits Lambda needs more than two for that.
 * https://cloud.google.com/run/docs/configuring/services/memory-limits
 */
const cloudRunGib = (work: Work): number => Math.max(0.5, Math.ceil(gibOf(work) * 2) / 2);
const cloudRunVcpus = (work: Work): number => Math.max(1, Math.ceil(gibOf(work) / 4));
/** Container Apps has 2 GiB with each vCPU. */
const containerAppsVcpus = (work: Work): number => Math.max(1, Math.ceil(gibOf(work) / 2));

/** Services that could run the model, each with its list prices. */
export const SERVICES = {
  lambda: {
    title: 'AWS Lambda',
    size: ({ lambda }) => `${lambda.memoryMb} MB`,
    dollars: ({ prices, lambda }, traffic) =>
      millions(traffic) * (prices('http-api.requests') + lambda.dollarsPerMillion),
  },
  provisioned: {
    title: 'AWS Lambda, provisioned concurrency',
    size: (work, traffic) => `${environments(work, traffic)} × ${work.lambda.memoryMb} MB`,
    dollars: (work, traffic) => {
      const { prices, lambda } = work;
      const gb = lambda.memoryMb / 1024;
      const run = 1000 * billedMs(lambda.latencyMs.mean) * gb * prices('lambda.kept-run');
      const perMillion = prices('http-api.requests') + prices('lambda.requests') + run;
      return environments(work, traffic) * gb * SECONDS * prices('lambda.kept') + millions(traffic) * perMillion;
    },
  },
  managed: {
    title: 'AWS Lambda Managed Instances',
    size: (work, traffic) => `${instances(work, traffic)} × m7i.large`,
    dollars: (work, traffic) => {
      const { prices } = work;
      const hour = prices('managed-instances.m7i.large') * (1 + prices('managed-instances.fee'));
      const perMillion = prices('http-api.requests') + prices('managed-instances.requests');
      return instances(work, traffic) * HOURS * hour + millions(traffic) * perMillion;
    },
  },
  fargate: {
    title: 'AWS Fargate behind a load balancer',
    size: (work, traffic) => `${machines(work, traffic, 1)} × 1 vCPU, ${fargateGb(work)} GB`,
    dollars: (work, traffic) => {
      const { prices } = work;
      const task = prices('fargate.vcpu') + fargateGb(work) * prices('fargate.gb');
      const units = traffic.requestsPerDay / 86_400 / CONNECTIONS_PER_LCU;
      const balancer = prices('load-balancer.hour') + units * prices('load-balancer.lcu');
      return HOURS * (machines(work, traffic, 1) * task + balancer);
    },
  },
  cloudRun: {
    title: 'Google Cloud Run',
    size: (work) => `${cloudRunVcpus(work)} vCPU, ${cloudRunGib(work)} GiB`,
    dollars: (work, traffic) => {
      const { prices, cpuMs } = work;
      const stepsS = (Math.ceil(cpuMs / CLOUD_RUN_STEP_MS) * CLOUD_RUN_STEP_MS) / 1000;
      // Requests at the same time share their instance.
      const billedS = Math.min(
        millions(traffic) * 1e6 * stepsS,
        SECONDS * meanMachines(work, traffic, cloudRunVcpus(work)),
      );
      const second = cloudRunVcpus(work) * prices('cloud-run.vcpu') + cloudRunGib(work) * prices('cloud-run.gib');
      return millions(traffic) * prices('cloud-run.requests') + billedS * second;
    },
  },
  containerApps: {
    title: 'Azure Container Apps',
    size: (work) => `${containerAppsVcpus(work)} vCPU, ${2 * containerAppsVcpus(work)} GiB`,
    dollars: (work, traffic) => {
      const { prices } = work;
      const second = containerAppsVcpus(work) * (prices('container-apps.vcpu') + 2 * prices('container-apps.gib'));
      const keptShare = 1 - Math.exp((-traffic.requestsPerDay / 86_400) * COOL_DOWN_S);
      const billedS = SECONDS * keptShare * meanMachines(work, traffic, containerAppsVcpus(work));
      return millions(traffic) * prices('container-apps.requests') + billedS * second;
    },
  },
} as const satisfies Record<string, Service>;

export type ServiceName = keyof typeof SERVICES;
export const SERVICE_NAMES: readonly ServiceName[] = [
  'lambda',
  'provisioned',
  'managed',
  'fargate',
  'cloudRun',
  'containerApps',
];

/** A service with its price for the traffic. */
export interface MonthlyCost {
  readonly service: ServiceName;
  readonly size: string;
  readonly dollarsPerMonth: number;
  /** Requests a day from which the service is cheaper than Lambda; undefined when it never is, up to a billion. */
  readonly breakEven?: number;
}

/** The work of the chosen function, and of one vCPU elsewhere. */
export const workOf = (lambda: Estimate, profile: Profile, prices: Prices): Work => {
  const [one] = profile.threads;
  if (one === undefined) throw new RangeError('a profile has measured at least one number of threads');
  return { prices, lambda, cpuMs: one.cpuMs.mean, peakBytes: one.peakBytes };
};

const MOST_REQUESTS = 1e9;
const STEPS_PER_DECADE = 100;

/** More or less of a traffic: the burst grows with the requests. */
const scaled = (traffic: Traffic, requestsPerDay: number): Traffic => ({
  requestsPerDay,
  burst: (traffic.burst / traffic.requestsPerDay) * requestsPerDay,
});

const breakEvenOf = (service: ServiceName, work: Work, traffic: Traffic): number | undefined => {
  for (let step = 0; step <= 9 * STEPS_PER_DECADE; step += 1) {
    const requests = 10 ** (step / STEPS_PER_DECADE);
    const some = scaled(traffic, requests);
    if (requests <= MOST_REQUESTS && SERVICES[service].dollars(work, some) < SERVICES.lambda.dollars(work, some))
      return requests;
  }
  return undefined;
};

/** The price of every service for the traffic, in the order of `SERVICES`. */
export const compareServices = (work: Work, traffic: Traffic): MonthlyCost[] =>
  SERVICE_NAMES.map((service) => {
    const breakEven = service === 'lambda' ? undefined : breakEvenOf(service, work, traffic);
    return {
      service,
      size: SERVICES[service].size(work, traffic),
      dollarsPerMonth: SERVICES[service].dollars(work, traffic),
      ...(breakEven !== undefined && { breakEven }),
    };
  });

/** Points of a line for each service: requests a day, and dollars a month. */
export type Curves = Readonly<Record<ServiceName, readonly (readonly [requestsPerDay: number, dollars: number])[]>>;

/** Powers of ten and their threes: 1,000, 3,000, … 10,000,000 requests a day. */
const CURVE_REQUESTS = [3, 4, 5, 6].flatMap((power) => [10 ** power, 3 * 10 ** power]).concat(1e7);

const mapServices = <T>(change: (service: ServiceName) => T): Readonly<Record<ServiceName, T>> => ({
  lambda: change('lambda'),
  provisioned: change('provisioned'),
  managed: change('managed'),
  fargate: change('fargate'),
  cloudRun: change('cloudRun'),
  containerApps: change('containerApps'),
});

export const NO_CURVES: Curves = mapServices(() => []);

/** The price of every service for less and more traffic, with the same burst for each request. */
export const curvesOf = (work: Work, traffic: Traffic): Curves =>
  mapServices((service) =>
    CURVE_REQUESTS.map((requests) => [requests, SERVICES[service].dollars(work, scaled(traffic, requests))] as const),
  );
