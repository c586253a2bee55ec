import { drawAdvice } from '../../../cli/output/draw-advice.ts';
import { describeChoice, formatAdvice, formatDollars } from '../../../cli/output/format-advice.ts';
import { type Advice, adviseOn, type Measurement } from '../../../src/advise/advise-model.ts';
import { DOWNLOAD_BYTES_PER_MS, REQUEST_MS, START_MS } from '../../../src/advise/estimate.ts';
import { LIST_PRICES, PRICE_NAMES } from '../../../src/advise/prices.ts';
import { SERVICES } from '../../../src/advise/services.ts';
import { formatBytes } from '../../../src/core/format-bytes.ts';
import type { Recorded } from './record.ts';

export const PAGE = 'docs/choosing.md';
export const CHART = 'docs/choosing.svg';

const FEW = 10_000;
const MANY = 3_000_000;

const adviceFor = (measurement: Measurement, date: string, requestsPerDay: number, limits = {}): Advice =>
  adviseOn(measurement, {
    limits,
    traffic: { requestsPerDay, burst: (10 * requestsPerDay) / 86_400 },
    overrides: {},
    nowMs: Date.parse(date),
  });

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The precision of each version, with its CPU time and size. */
const precisionTable = ({ measurements }: Recorded): string =>
  [
    row('model', 'version', 'CPU p50', 'download', 'create'),
    '|---|---|---:|---:|---:|',
    ...measurements.flatMap(({ name, profiles }) =>
      profiles.map(({ description, downloadBytes, threads: [one] }) =>
        row(
          name,
          description,
          `${one?.cpuMs.p50.toPrecision(2)} ms`,
          formatBytes(downloadBytes),
          `${Math.round(one?.createMs ?? 0)} ms`,
        ),
      ),
    ),
  ].join('\n');

const choiceLines = ({ measurements, date }: Recorded): string =>
  measurements
    .map((measurement) => `${measurement.name}\n${describeChoice(adviceFor(measurement, date, FEW))}`)
    .join('\n\n');

const cloudTable = ({ measurements, date }: Recorded): string =>
  [
    row('model', 'requests a day', ...Object.values(SERVICES).map(({ title }) => title)),
    `|---|---:|${'---:|'.repeat(Object.keys(SERVICES).length)}`,
    ...measurements.flatMap((measurement) =>
      [FEW, MANY].map((requests) =>
        row(
          measurement.name,
          requests.toLocaleString('en'),
          ...adviceFor(measurement, date, requests).services.map(({ dollarsPerMonth }) =>
            formatDollars(dollarsPerMonth),
          ),
        ),
      ),
    ),
  ].join('\n');

const priceTable = (): string =>
  [
    row('`--price`', 'US dollars', 'unit', 'seen', 'source'),
    '|---|---:|---|---|---|',
    ...PRICE_NAMES.map((name) => {
      const { dollars, unit, asOf, source } = LIST_PRICES[name];
      return row(`\`${name}\``, String(dollars), unit, asOf, `<${source}>`);
    }),
  ].join('\n');

/** The page on choosing, and its chart. */
export const toPage = (recorded: Recorded): { readonly page: string; readonly chart: string } => {
  const { measurements, date } = recorded;
  const shown = measurements.find(({ name }) => name === 'efficientnet-lite0') ?? measurements[0];
  if (shown === undefined) throw new Error('the record has no measurement');
  const advice = adviceFor(shown, date, FEW, { p95Ms: 20 });
  const page = `# Choosing a format, a precision, a memory and a cloud

\`npm run choosing:page\` writes this page from the measurements of ${date}, which \`npm run choosing:measure\` took; do not edit it.

\`advise\` measures a model on your computer, and computes where it runs cheapest:

\`\`\`sh
npx onnx-serverless advise ${shown.name} --data ${shown.data} --p95 20
\`\`\`

\`\`\`
${formatAdvice(shown, advice)}
\`\`\`

![Latency and price over the memory, and the price of services over the requests](choosing.svg)

\`--svg <file>\` draws these charts, and \`--json\` has every size. The exit code is 3 when no function keeps \`--p95\` and \`--cold\`.

\`--write\` sets \`memory\` and \`architecture\` in \`serverless.yml\`, after it has shown the difference and asked: for the stage of \`--stage\`, or for all.

## Which format

Push the file of your library, or a folder from Optimum: both become ONNX, with the same answers ([import](import.md)). Leave baking on.
It stores a second copy that loads faster ([performance](performance.md#growth-with-the-size-of-the-model)). A model with float16 weights stays small.

## Which precision

\`optimise\` tries the precisions under a gate, and \`advise\` measures its result beside the original:

${precisionTable(recorded)}

- float16 weights halve the download. They change neither the time of a request nor the memory.
- int8 pays for text encoders and for large matrices: less time, a quarter of the bytes. The gate decides whether the answers stay right.
- int4 weights are for models that generate text.

A model of milliseconds costs what its requests cost. Its precision changes the start more than the price.

## Which memory

A function has memory / 1,769 vCPUs. Below one, half the memory takes twice the time and costs the same: take the larger one. More than one vCPU pays if
a request is long enough for several threads. A request below a millisecond is billed as one, and is cheapest with little memory.

\`\`\`
${choiceLines(recorded)}
\`\`\`

## Which cloud

Dollars a month without free tiers, for the cheapest function and for one vCPU elsewhere. The busiest second has ten times the requests of an
ordinary one; \`--requests-per-day\` and \`--burst\` give your own.

${cloudTable(recorded)}

Lambda is cheapest until a machine is busy for a good part of the day. Provisioned concurrency buys starts, not money. The services besides Lambda were
not measured: the table takes their vCPU to be as fast as that of this computer.

## How it is computed

- **CPU time, not time by the clock**, so that other programs change little. Each number of threads has a process of its own, and at least 20 requests.
  ${REQUEST_MS} ms for the event, the log line and the metrics are added.
- **Latency**: CPU time over the vCPUs of the size, and no less than the thread of Node takes alone. Under Linux control groups, runs with a share of a
  CPU took up to 18 % less than that. The function takes a thread for each whole vCPU.
- **Cold start**: ${START_MS} ms for Node and the code, the download at ${DOWNLOAD_BYTES_PER_MS / 1000} MB/s, the sessions, the first run. The start of the
  environment itself comes on top; only \`--deployed\` sees it.
- **Fit**: the peak memory of the process, with the growth of the model below 60 % of the function; a first answer within 30 s.
- **Price**: milliseconds, which Lambda rounds up, and the requests. The HTTP API, at $1.00 per million requests, is in the comparison of
  services. Logs, metrics and transfer are not ([what it costs](../README.md#what-it-costs)).
- **Services**: machines are sized for the busiest second at 70 %. Managed Instances has at least three of 2 vCPUs. Fargate stands behind a load balancer.
  Cloud Run bills steps of 100 ms. Container Apps keeps a replica for five minutes after a request.
- **Not measured**, and marked: the other architecture, more threads than this computer has, other clouds.

Without \`--data\`, a blank input is measured: real inputs may take longer.

## On Lambda itself

\`\`\`sh
npx onnx-serverless advise ${shown.name} --data ${shown.data} --deployed --stage dev
\`\`\`

This copies the stage's function \`infer\`, calls the copy at 512, 1,024, 1,769, 2,048 and 3,008 MB, and removes it. \`--memory\` names other sizes. A size gets a
cold call and 20 warm ones. The mean leaves out a fifth of them at each end, as aws-lambda-power-tuning does. The stage goes on as it is.

Your AWS user needs these actions: \`lambda:GetFunction\`, \`lambda:GetFunctionConfiguration\`, \`lambda:GetLayerVersion\`, \`lambda:CreateFunction\`,
\`lambda:UpdateFunctionConfiguration\`, \`lambda:InvokeFunction\`, \`lambda:DeleteFunction\`, and \`iam:PassRole\` for the role of the function.
After Ctrl-C, the copy may be left. The next run removes it.

## Prices

List prices, first tier: AWS in US East (N. Virginia), Google in us-central1, Azure in East US. \`advise\` says which of them were seen more than
a year ago. \`--price lambda.x86_64=0.0000150000\` gives another one; it may be repeated.

${priceTable()}
`;
  return { page, chart: drawAdvice(shown.name, advice) };
};
