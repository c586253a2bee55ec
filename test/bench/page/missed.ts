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
[large-models.md](large-models.md#the-distance-to-onnxruntime-genai) has a profile of a step and eight attempts with their figures. The cache in
two parts came out of them.`;

const EMBEDDED = `The table above says what is left: compiling the bundle, Node's own modules, files, garbage, the extension, Powertools and documents. The
bare script and the peers check nothing, count nothing and log nothing.`;

/** Known reasons for a missed bar, and the changes that were tried. Shown while the bar is missed. */
const KNOWN: Partial<Record<MeasureName, string>> = {
  'cold.floor_ratio': COLD_START,
  'cold.embedded_floor_ratio': EMBEDDED,
  'cold.embedded_transformersjs_ratio': EMBEDDED,
  'cold.embedded_python_ratio': EMBEDDED,
  'warm.capture_overhead_us': `The time of a request varies by more than the bar from round to round: the spread tells. On the quiet machine of an earlier run it was 11 µs.`,
  'warm.image_ratio': `Decoding with the same libvips calls takes as long in both. These changes were kept:

- The size of an ordinary JPEG is read without libvips: 0.3 ms.
- A single decoder reads header and pixels: 0.13 ms.
- The memory of the last image is used again, and softmax has no iterators. Before, garbage took 24 full collections for 320 images, and 10 in the bare loop.

Young garbage collected after every 4, 8, 16 and 24 MB of tensors took 8.2 to 8.7 ms of CPU time instead of 8.2: dropped.

Routing, metrics and the log line remain: 0.3 ms.`,
  'warm.v2_json_ratio': `A parser that fills typed arrays from the text of the body was tried: digits into an exact integer, one division, and the digits anew where
they decide between two neighbours. It gives the same floats and takes 0.9 to 1.8 of the time of \`JSON.parse\` and a copy (150,528 floats of 4 to 17
digits, minima of 31 in turn, 2026-11-26). \`JSON.parse\` takes 20 to 30 ns for a number.`,
  'warm.v2_binary_ratio': `The work before the run takes 0.25 ms more than decoding base64, and the work behind it 0.46 ms (medians of 400 requests,
2026-11-26). It is routing, metrics, the log line and garbage of bodies of 600 KB. The graph takes 5.3 ms on this processor. The ratio is 1.05 where
the graph takes 14 ms. Changes that were tried (CPU time of a request, 10 rounds of 20 in turn on a busy machine, 2026-11-26):

- Kept: no new task for each request; the time of the processor is read twice instead of three times, 0.016 ms.
- Dropped: young garbage collected after every 4, 8, 16 and 24 MB of tensors. Medians were 6.5 to 7.2 ms instead of 7.1, and full collections stayed.`,
  'warm.entities_ratio': `A request takes some 2.5 ms more than in the rivals, of 60 ms. They route, count and log nothing.`,
  'warm.translation_ratio': `The runs of the graph take as long as in a bare loop of onnxruntime-node. Around them, a text of 60 tokens takes 30 to 55 ms of
CPU time, of some 450. A bare loop takes 4 to 10 there (\`process.cpuUsage\`, seven texts in turn, 2026-11-26). Each run gives keys, values and logits in
new buffers, 45 MB in all. A profile has the collection of garbage at 7 % of the time. Changes that were tried on a busy machine:

| change | CPU time |
| --- | --- |
| keys, values and logits written into buffers of our own, two for each in turn | 331 to 413 ms instead of 348 to 357 in a bare loop |
| young garbage collected after every 4, 8, 16 and 24 MB of outputs, medians | 459 to 496 ms instead of 450 |`,
  'text.wordpiece_ratio': `The product also gives the place of each token in the text, which the library does not. Both differ by 1 µs a sentence.`,
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

The loop looks for no unknown column and no missing value, and speaks with no S3.`,
  'llm.load_ratio': `The reasons are those of load.download_ratio: 1 GB is hashed in this process, beside the S3 of the bench, on two cores.`,
  'llm.genai_ratio': GENAI,
  'llm.genai_ratio_16': GENAI,
  'llm.genai_ratio_2000': GENAI,
  'load.download_ratio': `The raw download does not hash. Receiving, writing and hashing 1 GB takes 1 s of CPU, half of it for the hash, which SHA
instructions compute at 2 GB/s. The raw download takes 1.3 to 1.5 s, and the S3 of the bench as much of the same two cores. Changes that were tried (CPU, three in turn, 2026-11-26):

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
