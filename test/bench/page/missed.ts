import { clears, type Figures, MEASURES, type Measure, type MeasureName, medianOf } from '../measures.ts';
import { bar, format } from './table.ts';

const COLD_START = `Where the time goes (\`node --cpu-prof\`, 50 µs, mean of six cold starts, 317 ms under the profiler, 2026-11-23): creating the session 58 ms,
starting onnxruntime 21, loading sharp 22, the run 12, all of which the bare script has too; running the SDK for the first time 42, parsing and compiling the bundle 19, waiting 20,
bringing and hashing the file 18, garbage 10, Powertools 7, the task's modules 5, checking documents 3. \`perf\` counts 17 % of all cycles in V8's parser and compiler: code that runs once.
Kept: \`require\` of node:http (22 ms), sharp and onnxruntime as one script each (15), credentials from the environment, files of their own for tasks (12), no shapes of S3 that nothing uses (8),
a caller's request as the first run (20), no event streams, stdin and zlib (4). Dropped, without a gain: loading onnxruntime and sharp while the files come in, or onnxruntime while Lambda registers
the extension; all settings of the SDK given instead of looked up (1 ms); shorter names (1 ms); one write for both log lines; a larger young generation (8 ms, but Lambda does not take that flag),
collecting garbage in one thread, no optimising compiler, eager compilation (all slower).`;

/** What is known about bars that are hard to reach: where the time goes, and what was tried. Shown while the bar is missed. */
const KNOWN: Partial<Record<MeasureName, string>> = {
  'cold.floor_ratio': COLD_START,
  'cold.transformersjs_ratio': `The peer reads its model from its own package, asks nobody, verifies and logs nothing; it creates the same session and decodes by the same
libvips. The bare script, which does nothing else either, takes 0.60 of its time (154 of 257 ms, 2026-11-23), which is the bar: there is no room for S3, hashing, routing and metrics. ${COLD_START}`,
  'warm.image_ratio': `Decoding by the same libvips calls takes as long in both. Of what is beside it, reading the size of an ordinary JPEG without libvips took away 0.3 ms,
one decoder for header and pixels 0.13, the memory of the last picture and a softmax without iterators most of the garbage, which had
taken 24 full collections for 320 pictures where the bare loop takes 10. Routing,
metrics and the log line are what is left, 0.3 ms.`,
  'batch.throughput_ratio': `The raw loop reads no picture from S3 and writes no result: on-upload sends 192 requests for 64 pictures (what was answered
already, the picture, its result), through the SDK, 0.8 ms each from the thread that also runs the graph. It sent 64 more until it stopped looking again at what it had just seen. Tried: tensors
filled when they are run instead of joined (kept, 0.02 more); answering without looking for an earlier answer would save a third of the requests, and run twice what S3 announces twice.`,
  'load.download_ratio': `Hashing 100 MB is 57 ms of CPU that the raw download does not spend, a third of its time, so that the bar is met only as far as hashing, writing and receiving
overlap on the two cores that the S3 of the bench works on, too. Tried (2026-11-23, medians of several runs each): parts held in memory until they were hashed, 4 MiB four at once (1.73), 8 MiB three
at once (1.56, for more memory than its bar allows); chunks written in this thread (1.19 to 1.38); blocks of 256 KiB (1.31 to 1.38), 512 KiB (1.15 to 1.29, kept), 1 MiB (1.22 to 1.31) and 2 MiB (1.47) to other threads;
copied into two buffers for each part (1.25 to 1.34); two and three parts at once (1.29, 1.30); garbage collected on the way (1.27 to 1.50). A profile of the rest: 30 % of all cycles, here and in
the raw download alike, are V8 looking for garbage because of the chunks that Node allocates.`,
  'load.peak_rss_ratio': `Beside the mapped weights are 30 MB that any model takes, and chunks of the download that V8 has not collected yet: 10 to 30 MB, depending on how fast they come. Young ones are
collected before the session is created. Tried (2026-11-23): blocks of 1 MiB (1.40 to 1.48) and 256 KiB (1.37, but slower) instead of 512 KiB (1.40 to 1.43); collecting young garbage every 8, 16 and
32 blocks (1.50, 1.41, 1.43: what is being written survives), everything every 32 (1.39).`,
};

/** For each bar that is missed by how much, and why as far as that is known; nothing when all are cleared. */
export const missedSection = (figures: Figures): string => {
  const missed = (Object.keys(figures) as MeasureName[]).flatMap((name) => {
    const measure: Measure = MEASURES[name];
    const value = medianOf(figures[name] ?? Number.NaN);
    if (clears(measure, value)) return [];
    return [`**${name}** is ${format(value)}, the bar ${bar(measure)}. ${KNOWN[name] ?? ''}`.trim()];
  });
  return missed.length === 0 ? '' : `\n## What is missed\n\n${missed.join('\n\n')}\n`;
};
