import { cpus } from 'node:os';
import { join } from 'node:path';
import { withScratch } from '../core/scratch.ts';
import { runtimeVersion } from '../engine/bake.ts';
import { readSamples, spread } from '../optimise/samples.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import { cheapest, closest, type Estimate, estimateAll, fastestNear, type Limits } from './estimate.ts';
import { findVersions } from './find-versions.ts';
import { measureVersion } from './measure-version.ts';
import { oldPrices, type PriceName, type PriceOverrides, withOverrides } from './prices.ts';
import { type Architecture, type Profile, thisArchitecture } from './profile.ts';
import {
  type Curves,
  compareServices,
  curvesOf,
  type MonthlyCost,
  NO_CURVES,
  type Traffic,
  workOf,
} from './services.ts';

/** Most samples that a version is measured on: more of them change little. */
const MOST_SAMPLES = 64;

/** The versions of a model as they were measured on one computer. */
export interface Measurement {
  readonly name: string;
  /** The samples; undefined for a blank input. */
  readonly data: string | undefined;
  readonly samples: number;
  readonly architecture: Architecture;
  readonly processor: string;
  readonly runtime: string;
  readonly profiles: readonly Profile[];
}

export interface AdviceOptions {
  readonly limits: Limits;
  readonly traffic: Traffic;
  readonly overrides: PriceOverrides;
  /** The time, against which the prices' dates are held. */
  readonly nowMs: number;
}

/** The answer to where a model runs cheapest. */
export interface Advice {
  readonly estimates: readonly Estimate[];
  readonly limits: Limits;
  /** The cheapest that keeps the limits; undefined when none does. */
  readonly choice?: Estimate;
  /** A faster one that costs little more; undefined when there is none. */
  readonly faster?: Estimate;
  /** The one that comes closest to the limits when none keeps them. */
  readonly closest?: Estimate;
  readonly traffic: Traffic;
  /** Prices a month of services that could run the version; none when it fits no function. */
  readonly services: readonly MonthlyCost[];
  /** Dollars a month of each service by requests a day, for the chart. */
  readonly curves: Curves;
  /** Prices that were last seen more than a year ago. */
  readonly oldPrices: readonly PriceName[];
}

/**
 * Measures the versions of a model on this computer.
 * @param data a file or folder with samples; undefined for a blank input
 * @throws `INVALID_REQUEST` for samples that the model does not answer; `NOT_FOUND`; the errors of a load
 */
export const measureModel = async (
  repository: ModelRepository,
  { name, version }: { readonly name: string; readonly version: number },
  data: string | undefined,
  onStep: (step: string) => void,
): Promise<Measurement> => {
  const versions = await findVersions(repository, name, version);
  const [first] = versions;
  const samples = data === undefined || !first ? [] : (await readSamples(data, first.bundle.task)).samples;
  const some = spread(samples, MOST_SAMPLES);
  return withScratch('advise', async (scratch) => {
    const profiles: Profile[] = [];
    for (const each of versions) {
      const directory = join(scratch, String(each.bundle.version));
      profiles.push(await measureVersion(repository, each, some, directory, onStep));
    }
    const processor = cpus()[0]?.model ?? 'an unknown processor';
    return {
      ...{ name, data, samples: some.length, architecture: thisArchitecture(), processor },
      ...{ runtime: runtimeVersion(), profiles },
    };
  });
};

/**
 * Chooses among sizes.
 * @param profiles the CPU time of the versions, for services besides Lambda; none for sizes that were measured where they are deployed
 */
export const chooseFrom = (
  estimates: readonly Estimate[],
  profiles: readonly Profile[],
  { limits, traffic, overrides, nowMs }: AdviceOptions,
): Advice => {
  const choice = cheapest(estimates, limits);
  const faster = choice && fastestNear(estimates, limits, choice);
  const nearest = choice === undefined ? closest(estimates, limits) : undefined;
  const lambda = choice ?? nearest;
  const profile = profiles.find(({ version }) => version === lambda?.version);
  const work = lambda && profile && workOf(lambda, profile, withOverrides(overrides));
  return {
    ...{ estimates, limits },
    ...(choice && { choice }),
    ...(faster && { faster }),
    ...(nearest && { closest: nearest }),
    traffic,
    services: work ? compareServices(work, traffic) : [],
    curves: work ? curvesOf(work, traffic) : NO_CURVES,
    oldPrices: oldPrices(overrides, nowMs),
  };
};

/** Computes where the measured versions run cheapest. */
export const adviseOn = (
  { architecture, profiles }: Pick<Measurement, 'architecture' | 'profiles'>,
  options: AdviceOptions,
): Advice => {
  const estimates = estimateAll(profiles, { prices: withOverrides(options.overrides), measured: architecture });
  return chooseFrom(estimates, profiles, options);
};
