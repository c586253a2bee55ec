/** List prices in US dollars of us-east-1 on x86_64, as of 2026-07-21 (HTTP API: 2025). https://aws.amazon.com/lambda/pricing/ */
export const PRICES = {
  date: '2026-07-21',
  gigabyteSecond: 0.0000166667,
  invocation: 0.2 / 1e6,
  /** The HTTP API takes requests; uploads come through a queue. */
  httpRequest: 1 / 1e6,
} as const;

const MB_PER_GB = 1024;

/** The price of requests that took `billedMs` together in a function of `memoryMb`. */
export const priceOf = (requests: number, billedMs: number, memoryMb: number, isHttp: boolean): number =>
  (billedMs / 1000) * (memoryMb / MB_PER_GB) * PRICES.gigabyteSecond +
  requests * (PRICES.invocation + (isHttp ? PRICES.httpRequest : 0));
