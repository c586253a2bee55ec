import { type BulkWork, childrenOf, estimateRun } from '../../../cli/targets/bulk-price.ts';
import { simulateRun } from './simulate-run.ts';

/** A photo takes as long as the sample model and S3 take together, a row as long as the bench measures. */
const PHOTOS = { what: '1 million photos', elements: 1e6, chunk: 200, msPerElement: 30, areObjects: true };
const ROWS = { what: '100 million rows', elements: 1e8, chunk: 10_000, msPerElement: 0.012, areObjects: false };

/** Half of the executions of a new account are left to requests, a tenth of those of another. */
const ACCOUNTS = [
  { limit: 10, maxConcurrency: 5 },
  { limit: 1_000, maxConcurrency: 900 },
];

export interface Scale extends BulkWork {
  readonly what: string;
  /** Executions at the same time that the account has. */
  readonly limit: number;
}

export const SCALES: readonly Scale[] = [PHOTOS, ROWS].flatMap((work) =>
  ACCOUNTS.map((account) => ({ ...work, ...account })),
);

const formatTime = (seconds: number): string => {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
};

/** The table of docs/bulk.md. */
export const scaleTable = (): string => {
  const rows = SCALES.map((scale) => {
    const [estimated, simulated] = [estimateRun(scale), simulateRun(scale)];
    const cells = [
      scale.what,
      `${scale.chunk.toLocaleString('en-US')}: ${childrenOf(scale).toLocaleString('en-US')}`,
      scale.limit.toLocaleString('en-US'),
      scale.maxConcurrency,
      formatTime(estimated.seconds),
      formatTime(simulated.seconds),
      `$${estimated.dollars.toFixed(2)}`,
      `$${simulated.dollars.toFixed(2)}`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| work | `--chunk`: children | executions of the account | `--max-concurrency` | time, estimated | simulated | price, estimated | simulated |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
};
