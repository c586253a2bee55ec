import { refuse } from '../core/errors.ts';

/** A list price, without free tiers and discounts. */
export interface Price {
  /** US dollars of one unit. */
  readonly dollars: number;
  readonly unit: string;
  /** The year, month or day at which it was last seen at its source. */
  readonly asOf: string;
  readonly source: string;
}

const AWS_LAMBDA = 'https://aws.amazon.com/lambda/pricing/';
const API_GATEWAY = 'https://aws.amazon.com/api-gateway/pricing/';
const EC2 = 'https://aws.amazon.com/ec2/pricing/on-demand/';
const FARGATE = 'https://aws.amazon.com/fargate/pricing/';
const LOAD_BALANCING = 'https://aws.amazon.com/elasticloadbalancing/pricing/';
const CLOUD_RUN = 'https://cloud.google.com/run/pricing';
const CONTAINER_APPS = 'https://azure.microsoft.com/pricing/details/container-apps/';

const price = (dollars: number, unit: string, asOf: string, source: string): Price => ({
  dollars,
  unit,
  asOf,
  source,
});

/**
 * List prices of US East (N. Virginia), of Google's us-central1 and of Azure's East US; first tiers. Lambda's on demand were seen in AWS's
 * price list by https://github.com/mattrobinsonsre/terrapod/pull/950: 100 million requests and a million GB-seconds are $36.67, on arm64 $33.33.
 * Its pull request 978 has seen those of load balancers there.
 * Notes in public repositories say that they read those of provisioned concurrency, m7i.large, Cloud Run and Container Apps at these sources.
 * Cloud Run's are those of its cheapest tier, to which us-central1 belongs. Container Apps' were read for East US 2 and East Asia, which cost the same.
 */
export const LIST_PRICES = {
  'lambda.requests': price(0.2, 'million requests', '2026-07-21', AWS_LAMBDA),
  'lambda.x86_64': price(0.0000166667, 'GB-second', '2026-07-21', AWS_LAMBDA),
  'lambda.arm64': price(0.0000133334, 'GB-second', '2026-07-21', AWS_LAMBDA),
  'lambda.kept': price(0.0000041667, 'GB-second kept (x86_64)', '2026-08-11', AWS_LAMBDA),
  'lambda.kept-run': price(0.0000097222, 'GB-second run while kept (x86_64)', '2026-08-11', AWS_LAMBDA),
  'managed-instances.requests': price(0.2, 'million requests', '2026-09-20', AWS_LAMBDA),
  'managed-instances.fee': price(0.15, 'dollar of the instance', '2026-09-20', AWS_LAMBDA),
  'managed-instances.m7i.large': price(0.1008, 'hour of 2 vCPUs and 8 GiB', '2026-10-03', EC2),
  'http-api.requests': price(1, 'million requests', '2026', API_GATEWAY),
  'fargate.vcpu': price(0.04048, 'hour of a vCPU (x86_64)', '2026-04-01', FARGATE),
  'fargate.gb': price(0.004445, 'hour of a GB', '2026-04-01', FARGATE),
  'load-balancer.hour': price(0.0225, 'hour', '2026-07-22', LOAD_BALANCING),
  'load-balancer.lcu': price(
    0.008,
    'hour of a capacity unit: 25 new connections a second',
    '2026-07-22',
    LOAD_BALANCING,
  ),
  'cloud-run.vcpu': price(0.000024, 'second of a vCPU', '2026-10-08', CLOUD_RUN),
  'cloud-run.gib': price(0.0000025, 'second of a GiB', '2026-10-08', CLOUD_RUN),
  'cloud-run.requests': price(0.4, 'million requests', '2026-10-08', CLOUD_RUN),
  'container-apps.vcpu': price(0.000024, 'second of a vCPU', '2026-10-03', CONTAINER_APPS),
  'container-apps.gib': price(0.000003, 'second of a GiB', '2026-10-03', CONTAINER_APPS),
  'container-apps.requests': price(0.4, 'million requests', '2026-09-22', CONTAINER_APPS),
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof LIST_PRICES;
/** US dollars of one unit of a price. */
export type Prices = (name: PriceName) => number;

const isPriceName = (name: string): name is PriceName => Object.hasOwn(LIST_PRICES, name);

export const PRICE_NAMES: readonly PriceName[] = Object.keys(LIST_PRICES).filter(isPriceName);

/** Prices that the user gave instead of the table's. */
export type PriceOverrides = Readonly<Partial<Record<PriceName, number>>>;

/** `lambda.arm64=0.0000120001`. @throws `INVALID_REQUEST` naming the prices that there are */
export const parsePrices = (texts: readonly string[]): PriceOverrides =>
  Object.fromEntries(
    texts.map((text) => {
      const [, name = text, digits = ''] = /^([^=]*)=(.*)$/.exec(text) ?? [];
      const known =
        PRICE_NAMES.find((each) => each === name) ??
        refuse(
          'INVALID_REQUEST',
          `--price is ${text}, expected <name>=<dollars> with one of ${PRICE_NAMES.join(', ')}`,
        );
      const dollars = /^(\d+(\.\d+)?|\.\d+)(e-?\d+)?$/i.test(digits) ? Number(digits) : Number.NaN;
      if (Number.isFinite(dollars)) return [known, dollars];
      return refuse(
        'INVALID_REQUEST',
        `--price ${known} is ${digits || 'empty'}, expected US dollars per ${LIST_PRICES[known].unit} such as ${LIST_PRICES[known].dollars}`,
      );
    }),
  );

export const withOverrides =
  (overrides: PriceOverrides): Prices =>
  (name) =>
    overrides[name] ?? LIST_PRICES[name].dollars;

const YEAR_MS = 365.25 * 24 * 3600 * 1000;

/** The names of prices that were seen more than a year before `nowMs`, and were not given by the user. */
export const oldPrices = (overrides: PriceOverrides, nowMs: number): PriceName[] =>
  PRICE_NAMES.filter((name) => !(name in overrides) && nowMs - Date.parse(LIST_PRICES[name].asOf) > YEAR_MS);
