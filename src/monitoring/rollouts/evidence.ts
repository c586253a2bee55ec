import { logGamma } from '../drift/chi-square.ts';

/**
 * The bet against "bad events come from the canary as often as its share says": how many times more often they would come from it. A mixture of
 * bets needs no guess of the right one.
 */
const LEAST_ODDS = 1.2;
const MOST_ODDS = 100;
const BETS = 48;

interface Bet {
  /** Logarithm of the factor that an event of the canary, and one of the other arm, adds. */
  readonly hit: number;
  readonly miss: number;
}

const ODDS = Array.from({ length: BETS }, (_, index) => LEAST_ODDS * (MOST_ODDS / LEAST_ODDS) ** (index / (BETS - 1)));

/** Bets on odds from 1.2 to 100, evenly on the scale of logarithms. */
const betsFor = (share: number): Bet[] =>
  ODDS.map((odds) => {
    const likely = (odds * share) / (1 - share + odds * share);
    return { hit: Math.log(likely / share), miss: Math.log((1 - likely) / (1 - share)) };
  });

/**
 * The natural logarithm of the evidence that more than `share` of the events are hits: of bad events, those of the canary; of comparisons, those
 * that differ. While at most `share` of them are, the evidence ever reaches E with a probability of 1/E at most. Looks at it cost nothing (a test
 * by betting: a non-negative martingale, Ville's inequality). It needs no base rate, and none that stays the same.
 *
 * @param hits of `events`
 * @param share above 0 and below 1
 */
export const logEvidence = (hits: number, events: number, share: number): number => {
  const logs = betsFor(share).map(({ hit, miss }) => hits * hit + (events - hits) * miss);
  const largest = Math.max(...logs);
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / BETS);
};

/** The evidence of several tests, all of which are valid, as one: their mean. Tests without an event count with 1. */
export const meanLogEvidence = (logs: readonly number[]): number => {
  const largest = Math.max(0, ...logs);
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / Math.max(1, logs.length));
};

/** The natural logarithm of the likelihood of `events` among `all`, at a rate. */
const logLikelihood = (events: number, all: number, rate: number): number =>
  (events === 0 ? 0 : events * Math.log(rate)) + (events === all ? 0 : (all - events) * Math.log(1 - rate));

/** The natural logarithm of that likelihood, averaged over all rates from 0 to 1. */
const meanLogLikelihood = (events: number, all: number): number =>
  logGamma(events + 1) + logGamma(all - events + 1) - logGamma(all + 2);

/**
 * The natural logarithm of the evidence that the first rate is above the second one. It needs no share that the two have of the samples: these
 * may be chosen by anybody, as feedback is. While the first rate is not above the other, it ever reaches E with a probability of 1/E at most.
 * (The mean likelihood of all rates by the largest one of equal or lower rates: universal inference, Wasserman, Ramdas and Balakrishnan 2020.)
 */
export const logRateEvidence = (events: number, all: number, others: number, allOthers: number): number => {
  if (all === 0 || allOthers === 0) return 0;
  const isAbove = events / all > others / allOthers;
  const pooled = (events + others) / (all + allOthers);
  const largest =
    logLikelihood(events, all, isAbove ? pooled : events / all) +
    logLikelihood(others, allOthers, isAbove ? pooled : others / allOthers);
  return meanLogLikelihood(events, all) + meanLogLikelihood(others, allOthers) - largest;
};
