import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { LIST_PRICES, type PriceName } from '../../../src/advise/prices.ts';
import { type Figure, median } from '../figures.ts';
import { GROWTH_ROUNDS, type Growth } from '../measurements/growth.ts';
import type { Results } from '../measures.ts';
import { projectRoot } from '../workbench.ts';
import { COLD_STARTS, drawColdStarts } from './cold-start-chart.ts';
import { drawGrowth } from './growth-chart.ts';
import { missedSection } from './missed.ts';
import { FIGURE_HEADER, figureRows, format, TIME_HEADER, timeRows, toMarkdownTable } from './table.ts';

const priceOf = (name: PriceName): number => LIST_PRICES[name].dollars;
const MEMORY_MB = 1769;
const MEMORY_GB = MEMORY_MB / 1024;
const MONTH_SECONDS = 30 * 24 * 3600;
/** Of the requests of the example. */
const COLD_SHARE = 0.01;

const spread = ({ median: middle, min, max }: Figure): string => `${format(middle)} (${format(min)} – ${format(max)})`;

const growthTable = (growth: readonly Growth[]): string =>
  toMarkdownTable(
    ['model', 'stored', 'cold start, ms', 'download, ms', 'session creation, ms', 'memory, MB', 'memory over model'],
    growth.map(({ modelMb, isBaked, coldStartMs, downloadMs, createMs, growthMb }) => [
      `${format(modelMb)} MB`,
      isBaked ? 'baked' : 'plain',
      spread(coldStartMs),
      spread(downloadMs),
      spread(createMs),
      spread(growthMb),
      format(growthMb.median / modelMb),
    ]),
  );

const dollars = (amount: number): string => `$${amount.toFixed(2)}`;

const costTable = (warmMs: number, coldMs: number): string => {
  const meanSeconds = ((1 - COLD_SHARE) * warmMs + COLD_SHARE * coldMs) / 1000;
  const cost = (name: PriceName, seconds: number) =>
    dollars(priceOf('lambda.requests') + 1e6 * seconds * MEMORY_GB * priceOf(name));
  const kept = dollars(MONTH_SECONDS * MEMORY_GB * priceOf('lambda.kept'));
  return toMarkdownTable(
    ['', 'per million requests', 'per month besides'],
    [
      ['x86_64', cost('lambda.x86_64', meanSeconds), '–'],
      ['arm64, were it as fast', cost('lambda.arm64', meanSeconds), '–'],
      ['x86_64, an execution environment provisioned, never cold', cost('lambda.kept-run', warmMs / 1000), kept],
    ],
  );
};

/** Writes `docs/performance.md` and the charts beside it. */
export const writePerformancePage = async (
  { figures, times }: Results,
  growth: readonly Growth[],
  rounds: number,
): Promise<void> => {
  const cold = times[COLD_STARTS.infer]?.median ?? Number.NaN;
  const embedded = times[COLD_STARTS.embedded]?.median ?? Number.NaN;
  const warm = times['JPEG, warm infer']?.median ?? Number.NaN;
  const base = median(growth.map(({ baseMb }) => baseMb.median));
  const large = (isBaked: boolean) => growth.filter((row) => row.modelMb > 50 && row.isBaked === isBaked);
  const perMb = (isBaked: boolean): string =>
    format(Math.max(...large(isBaked).map((row) => row.growthMb.median / row.modelMb)));
  const createMs = (isBaked: boolean): string => format(large(isBaked).at(-1)?.createMs.median ?? Number.NaN);
  const page = `# Performance

\`npm run bench\` writes this page; do not edit it. Most figures are ratios to a floor or to a peer. A floor is the fewest lines that do the same
work, in \`test/bench/floors\`; a peer is another product. Floor, peer and product are measured in turn within the same run, and must give equal
outputs, or there is no figure. A figure is the median of ${rounds} rounds; the spread goes from the lowest to the highest. \`npm run bench -- --json\`
prints the figures as JSON. \`--quick\` takes a minute, times neither bulk runs, \`optimise\`, rivals nor large models, and leaves this page alone.
\`--only\` measures \`llm\`, \`bulk\`, \`rivals\`, \`mlserver\` or \`preprocessing\`; \`llm.decode\`, \`llm.others\`, \`llm.cold\` and \`llm.load\` are parts of the
first. \`--rounds\` sets the number of rounds.

This run: ${new Date().toISOString().slice(0, 10)}, ${os.availableParallelism()} cores of ${os.cpus()[0]?.model ?? 'an unknown CPU'}, Node ${process.versions.node}.

${toMarkdownTable(FIGURE_HEADER, figureRows(figures))}

The times behind the ratios. A Lambda function has another CPU and another disk, so compare ratios, not milliseconds.

${toMarkdownTable(TIME_HEADER, timeRows(times))}

![First answer of a new environment](performance-cold-starts.svg)

Rivals are functions that somebody writes by hand: transformers.js with AWS's runtime client for Node, and Python with \`awslambdaric\`, boto3,
onnxruntime and Pillow. Warm, a rival has no HTTP route, routing, metrics or log line; Python reads text by \`tokenizers\` and sound by \`transformers\`.
Their ratios are to the faster of both. Entities and translations come from models with random weights that have the sizes of BERT-base and T5-small.
With a toy, the ratio would be one of the bindings alone ([decision](decisions/2026-11-26-models-beside-rivals.md)).
The bar of 0.6 against transformers.js with local files does not hold for a model in S3. The bare script takes
0.6 of its time, without a request, a hash, a routing or a metric. A model in the layer is compared with local files instead.

The first token of a cold infer is compared with a script that downloads the same files from the same S3. It sends the requests of the raw
download, and checks nothing. The script with the graph on its disk downloads nothing. Generated texts are timed without log-probabilities, which no
rival computes ([decision](decisions/2026-11-26-same-work-for-generated-text.md)).

Tokenizers are compared on short reviews. The ids of transformers.js are not compared: its library gives others for some texts of a unigram tokenizer.
MLServer gets its requests without HTTP, through ASGI, as infer gets events.
${missedSection(figures)}
## Growth with the size of the model

A new process loads a MatMul model from S3 on loopback, ${GROWTH_ROUNDS} times for each row. \`push\` bakes by default; "plain" is \`push --no-bake\`, the
file as it was exported. Memory is the growth of the process up to the end of its first run.

${growthTable(growth)}

![Cold start by model size](performance-growth.svg)

## Settings to choose

**Memory.** Lambda gives one vCPU at 1,769 MB, the default here, and a proportional share below. Half the memory takes twice the time and
costs the same. Above, onnxruntime gets a thread per whole 1,769 MB (3,538 MB: two). More threads pay for a large model if latency matters;
a small model only becomes dearer. A function has ${format(base)} MB before it loads a model, and takes ${perMb(true)} MB for each MB of a
large model (${perMb(false)} if it is not baked). Loaded models share 60 % of the memory (\`modelMemoryShare\`). If they do not fit, the least recently used
are evicted, and loaded again for their next request.

**Baking.** Leave it on: creating the session of the largest model above takes ${createMs(true)} ms instead of ${createMs(false)}. \`--no-bake\` halves the size of a version
in S3. It suits models with weights in half precision that would grow; \`push\` detects these by itself.

**Temporary storage.** Files of models share 90 % of \`/tmp\` (\`modelTmpShare\`). A larger \`/tmp\` (\`tmpSize\`) saves downloads if a function serves many models.

**Architecture.** arm64 costs a fifth less per second. It is built and packaged, but nobody has measured it here: try your model on both.

**Embedding.** \`--param="embedModels=…"\` packs models into a layer ([embedding.md](embedding.md)): the first answer of the sample model then takes
${format(embedded)} ms instead of ${format(cold)}.

**Preloading.** \`--param="preloadModels=…"\` moves the download and the session from the first request into init, which has a full CPU at any memory.
A model that takes longer than 9 s to load belongs on provisioned concurrency.

**Provisioned concurrency.** It takes the cold start away from as many execution environments as you pay for. It is worth its price if the slowest
requests matter and the traffic is steady. An execution environment that is busy all the time is also cheaper that way.

## Costs

There are n requests a month, of which a share c is cold. A request takes t seconds warm and T seconds cold, in a function of m MB:

    requests   n / 1,000,000 × ${dollars(priceOf('lambda.requests'))}
    compute    n × ((1 − c) × t + c × T) × m / 1024 × price of a GB-second (x86_64 $${priceOf('lambda.x86_64')}, arm64 $${priceOf('lambda.arm64')})
    provisioned, each environment: m / 1024 × (seconds kept × $${priceOf('lambda.kept')} + seconds run × $${priceOf('lambda.kept-run')}) instead

Prices are those of US East (N. Virginia), first tier, as of ${LIST_PRICES['lambda.x86_64'].asOf} (provisioned concurrency: ${LIST_PRICES['lambda.kept'].asOf}); <https://aws.amazon.com/lambda/pricing/> has
today's. The HTTP API, S3, logs and metrics come on top. [Choosing](choosing.md) computes the same for your model.

For the sample model with the times above (t = ${format(warm)} ms, T = ${format(cold)} ms, c = ${COLD_SHARE * 100} %, m = ${MEMORY_MB} MB):

${costTable(warm, cold)}
`;
  await writeFile(path.join(projectRoot, 'docs/performance.md'), page);
  await writeFile(path.join(projectRoot, 'docs/performance-growth.svg'), drawGrowth(growth));
  await writeFile(path.join(projectRoot, 'docs/performance-cold-starts.svg'), drawColdStarts(times));
};
