import { clears, type Figures, MEASURES, type Measure, type MeasureName, medianOf } from '../measures.ts';
import { bar, format } from './table.ts';

const COLD_START = `The time of a cold start, in ms (\`node --cpu-prof\`, 50 µs, 2026-11-26). It is the lower quartile of ten starts on a busy machine:

| part | model in S3 | model in the layer | bare script |
| --- | --- | --- | --- |
| creating the session | 71 | 85 | 76 |
| compiling modules | 32 | 18 | 0 |
| loading sharp | 23 | 23 | 48, of 67 files |
| Node's own modules | 15 | 17 | 6 |
| waiting | 13 | 5 | 3 |
| finding and reading modules | 10 | 10 | 5 |
| collecting garbage | 9 | 8 | 3 |
| the run of the graph | 9 | 9 | 10 |
| AWS's runtime client | 6 | 5 | 0 |
| asking Lambda for events after answers | 5 | 5 | 0 |
| Powertools | 5 | 4 | 0 |
| settings of the task | 3 | 5 | 0 |
| checking documents | 2 | 3 | 0 |

Changes that were kept, with their gain:

- \`require\` of node:http: 22 ms;
- the request of a caller as warm-up input: 20 ms;
- sharp and onnxruntime as a script each: 15 ms;
- tasks in files of their own: 12 ms;
- no unused shapes of S3: 8 ms;
- no event streams, stdin and zlib: 4 ms;
- no getters and late names of node:fs and node:util: 5 ms of processor time (2026-11-26, 31 starts in turn, as the next two);
- the start as one file instead of 20, and what tasks share as another: 3 ms of processor time;
- the handlers of OpenAI's API in files of their own, 27 of 319 KB: 1 to 4 ms of processor time;
- credentials from the environment variables;
- reads that are signed here instead of by the SDK, which the start does not even import: 35 of 248 ms of processor time (9 starts in turn).

The three of 2026-11-26 took the processor time of a start from the layer from 1.35 to 1.32 times that of the bare script. It went from 1.04 to 1.01 times
that of the function in Python (19 starts of each in turn, on a busy machine).

Changes that were dropped, without a gain unless noted:

- loading onnxruntime and sharp while the files arrive, or onnxruntime while Lambda registers the extension;
- registering the extension while the SDK is read (15 starts of each);
- all settings of the SDK given instead of looked up: 1 ms;
- shorter names: 1 ms;
- handlers of feedback, the repository and KServe's first protocol in files of their own, 16 of 292 KB: not worth their code;
- node:crypto without its getters: 0.4 ms; times without \`performance\`: 0.7 ms;
- a single write for both log lines;
- a larger young generation: 8 ms, but Lambda does not take that flag;
- garbage collection in a single thread, no optimising compiler, eager compilation: all slower.`;

const GENAI = `onnxruntime-genai writes keys and values into one buffer, and onnxruntime-node copies them.
[large-models.md](large-models.md#the-distance-to-onnxruntime-genai) has a profile of a step and eleven attempts with their figures. The
cache in two parts came out of them.`;

const EMBEDDED = `The table above says what is left: compiling the bundle, Node's own modules, files, garbage, the extension, Powertools and documents. The
bare script and the peers check nothing, count nothing and log nothing.`;

/** Known reasons for a missed bar, and the changes that were tried. Shown while the bar is missed. */
const KNOWN: Partial<Record<MeasureName, string>> = {
  'cold.floor_ratio': COLD_START,
  'cold.embedded_floor_ratio': EMBEDDED,
  'cold.embedded_transformersjs_ratio': EMBEDDED,
  'cold.embedded_python_ratio': EMBEDDED,
  'cold.collector_ratio': `Both are cold starts, whose time varies by more than the bar allows: the spread tells. The median was 0.927 and 0.987 in the
runs before.`,
  'warm.capture_overhead_us': `The time of a request varies by more than the bar from round to round: the spread tells. On the quiet machine of an earlier run it was 11 µs.
A round has had 250 requests of each kind in turn since 2026-11-27, and 100 before. A model that captures everything hashes no ids any more. The
median of 300 paired differences went from 28 to -21 µs (busy machine, both without Powertools).`,
  'warm.image_ratio': `Decoding with the same libvips calls takes as long in both. These changes were kept:

- The size of an ordinary JPEG is read without libvips: 0.3 ms.
- A single decoder reads header and pixels: 0.13 ms.
- The memory of the last image is used again, and softmax has no iterators. Before, garbage took 24 full collections for 320 images, and 10 in the bare loop.

Young garbage collected after every 4, 8, 16 and 24 MB of tensors took 8.2 to 8.7 ms of CPU time instead of 8.2: dropped.

Log lines and metrics without Powertools, and fewer patterns and timers, took CPU time from 1.115 to 1.075 of that of the bare loop (200 in turn,
2026-11-27). The latter are kept, and Powertools too: 0.2 ms are not worth code of our own.`,
  'warm.v2_json_ratio': `A parser that fills typed arrays from the text of the body was tried: digits into an exact integer, one division, and the digits anew where
they decide between two neighbours. It gives the same floats and takes 0.9 to 1.8 of the time of \`JSON.parse\` and a copy (150,528 floats of 4 to 17
digits, minima of 31 in turn, 2026-11-26). \`JSON.parse\` takes 20 to 30 ns for a number.`,
  'warm.v2_binary_ratio': `The run takes as long as in the bare loop. A row to iris takes 0.2 ms beside its run when it follows another one. It takes 0.7 ms when it
follows a run of this graph. Its 18 MB of weights push the code of a request out of the caches of the processor. No step stands out. On a
processor with AVX-512, where the graph takes 5.3 ms, a request took 0.92 ms more than the bare loop, 0.57 of them behind the run.

Since then, metrics, log line and figures are written behind the answer, and the paths of callers are remembered. On another processor, without
AVX-512 and shared with much other work, a request takes 0.51 to 0.62 ms more instead of 1.09 to 1.21. In a whole run
there, with nothing beside it, the ratio is 1.05 (1.02 – 1.12) and clears the bar, with a bare loop of 15.2 ms. The lower quartiles of its steps
there, of 150 requests that each follow a bare run, in µs (2026-11-27), are:

| step | µs |
| --- | --- |
| reading the event | 74 |
| finding the route, the time of the processor | 47 |
| decoding base64, 224 with its copy in the bare loop | 141 |
| the version, the id of the prediction, the task | 55 |
| reading tensors, their bounds, and a timer for the deadline | 98 |
| the way to the run | 36 |
| the outputs of the run, and the way back | 99 |
| writing the answer, and its base64 | 98 |
| headers, statistics, the time of the processor, and a timer for what follows the answer | 72 |

Changes that were tried (medians of 300 requests, each behind a bare run, in turn on a busy machine):

- Kept: metrics, log line and figures behind the answer, 0.35 to 0.45 of 1.2 ms. They take as long as before; nobody waits for them.
- Kept: routes of known paths, no patterns for the usual template of the gateway, no copy of an answer before its base64:
  40 to 60 µs. Fewer patterns for paths and charsets, a loop over the headers: 25 µs.
- Dropped: one buffer for both parts of the answer, which is no faster.
- Dropped: code of V8's first compiler for every function (\`--always-sparkplug\`): 40 µs of 900, within what varies.
- Dropped: metrics without Powertools, 80 µs; log lines without it, 80 to 95 µs; 30 of 107 KB of garbage less. A kept library stays.
- Kept: fewer patterns, dates and timers, 60 µs; headers, times and histograms with fewer objects, some 15 µs.
- Kept: no new task for each request; the time of the processor is read twice instead of three times, 16 µs.
- Dropped: no timer for work that ends within 16 turns of promises. Quartiles were 779 µs instead of 783.
- Dropped: decoding base64 into memory that is kept. A request causes 9 page faults in it. A loop of decodings took 76 to 83 µs
  each instead of 102 to 335, but a request takes 93. Tensors, captures and shadows would have to share the memory.
- Dropped: \`MALLOC_TRIM_THRESHOLD_\`. A translation, which makes more garbage, has as many page faults with it.
- Dropped: young garbage collected after every 4, 8, 16 and 24 MB of tensors. Medians were 6.5 to 7.2 ms instead of 7.1, and full collections stayed.

The time does not grow with the graph: the ratio is lower where the graph takes longer.`,
  'warm.entities_ratio': `A request takes 0.9 to 1.1 ms of processor time beside its run of 57 ms, and 0.2 ms more with Powertools. Runs take as long
as bare ones of the same session on the same tensors (58.95 and 58.95 ms, medians of 55 in turn, 2026-11-27), and as long on a baked graph as on
the plain one (75.46 and 75.46 ms, 60 in turn). Rivals have the same runtime, and route, count and log nothing.`,
  'warm.translation_ratio': `The runs of the graph take as long as in a bare loop of onnxruntime-node. Around them, a text of 60 tokens takes 19 to 29 ms of
CPU time, of some 480 (medians of 11 texts, 2026-11-27). A bare loop takes 4 to 10 there. Each run gives keys, values and logits in
new buffers, 45 MB in all. A profile has the collection of garbage at 7 % of the time. Changes that were tried on a busy machine:

| change | CPU time |
| --- | --- |
| keys, values and logits written into buffers of our own, two for each in turn | 331 to 413 ms instead of 348 to 357 in a bare loop |
| young garbage collected after every 4, 8, 16 and 24 MB of outputs, medians | 459 to 496 ms instead of 450 |
| \`MALLOC_TRIM_THRESHOLD_\` of 256 MB, medians | 489 and 497 ms instead of 482 and 548; as many page faults |`,
  'text.wordpiece_ratio': `The product also gives the place of each token in the text, which the library does not. Kept (594 sentences, CPU time, 2026-11-27): pieces of words are
remembered, and plain ASCII is not normalised character by character. They take 0.57 of the time.`,
  'batch.throughput_ratio': `The raw loop reads no image from S3 and writes no result. For 64 images, on-upload sends 192 requests:
for an earlier result, the image, and its result. By the SDK, each takes 0.8 ms of the thread that also runs the graph. Reads are signed here since.

- Kept: no second look at objects that it has just seen (64 requests less); tensors filled at the run instead of joined (0.02 more).
- Not done: answering without a look for an earlier result. It would save a third of the requests, and run an upload twice that S3 announces twice.`,
  'bulk.table_ratio': `100,000 rows of four columns in ten chunks take 480 ms of processor time through a child, and 415 ms in the raw loop. It was 750 ms
before (least of six turns in one process, beside other work, 2026-11-26). The thread that runs the graph takes 305 ms of it, and that of the loop
380 ms.

- Kept: each group of rows is compressed in a thread of its own while the next one is answered. The loop compresses and answers in turn.
- Kept: the answers of a row are read from the outputs of the whole run. A row had views of its outputs before.
- Kept: scores have the fewest digits that name a float32, so that half as much is compressed.
- Kept: rows are parsed, and lines joined, group by group. The collection of garbage copies fewer of them.
- Kept: a child sends four requests to S3 for a chunk instead of seven.
- Dropped, without a gain: writing labels and scores without \`JSON.stringify\`, which takes 32 ms for all rows. Templates of constant texts take 37 ms.

The loop looks for no unknown column and no missing value, and speaks with no S3. Measured alone (\`--only bulk\`, 2026-11-27), the ratio was 1.06, and
0.992 in the run of the day before.`,
  'llm.ttft_cold_ratio': `infer takes 667 ms of CPU time, and the script 516 (least of 7 starts in turn, ahead of all other programs, 2026-11-26). Before
blocks were hashed and written in the thread that receives them, it was 729. A profile of infer has these parts that the script lacks:

| part | ms |
| --- | --- |
| hashing 184 MB, and reading back what came out of order | 100 |
| compiling modules | 29 |
| reading and parsing the tokenizer | 30 |
| collecting garbage | 26 |

Creating the session takes 230 ms, and the run 27; the script does both, too. The session needs the weights, and its thread is the one that parses the tokenizer.`,
  'llm.load_ratio': `The reasons are those of load.download_ratio: 1 GB is hashed in this process, beside the S3 of the bench, on two cores.`,
  'llm.genai_ratio': GENAI,
  'llm.genai_ratio_16': GENAI,
  'llm.genai_ratio_2000': GENAI,
  'load.download_ratio': `The raw download does not hash. Receiving, writing and hashing 1 GB takes 1 s of CPU, half of it for the hash, which SHA
instructions compute at 2 GB/s. The raw download takes 1.3 to 1.5 s, and the S3 of the bench as much of the same two cores. Changes that were
tried (CPU, three in turn, 2026-11-26):

| change | ratio of CPU |
| --- | --- |
| chunks of the SDK, blocks of 512 KiB to other threads (before) | 1.9 to 2.1 |
| the SDK's agent with \`onread\`, which saves one of two copies (bare download) | 0.7 |
| connections that receive into blocks of their own (kept) | 0.80 to 0.87 |
| writing and hashing in the thread that receives, 184 MB (kept) | 0.70, and 0.94 before |
| writing in other threads, hashing what comes in order meanwhile, 184 MB | 0.87 |
| the same without the hash | 0.40 |
| blocks of 512 KiB | 0.8 to 0.9 |

On 2026-11-23, with chunks of the SDK, other sizes, numbers of parts and threads gave 1.15 to 1.73 of the raw download's time.`,
  'load.peak_rss_ratio': `Besides the mapped weights, the process holds the 22 to 26 MB that a model of 1 MB takes, too. The download takes 3 MB of blocks.
Changes that were tried (four to eight in turn, 2026-11-26, on a busy computer):

| change | ratio |
| --- | --- |
| chunks of the SDK (before) | 1.36 to 1.80 |
| blocks of 512 KiB | 1.27 to 1.31 |
| blocks of 256 KiB, and a collection of garbage before the session | 1.25 to 1.32 |
| the same without the collection (kept) | 1.26 to 1.32 |`,
};

/** Each missed bar with its figure and its known reasons; empty when all bars are cleared. */
export const missedSection = (figures: Figures): string => {
  const missed = (Object.keys(figures) as MeasureName[]).flatMap((name) => {
    const measure: Measure = MEASURES[name];
    const value = medianOf(figures[name] ?? Number.NaN);
    if (clears(measure, value)) return [];
    return [`**${name}** is ${format(value)}, the bar is ${bar(measure)}.\n${KNOWN[name] ?? ''}`.trim()];
  });
  return missed.length === 0 ? '' : `\n## Missed bars\n\n${missed.join('\n\n')}\n`;
};
