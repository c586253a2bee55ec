import { clears, type Figures, MEASURES, type Measure, type MeasureName, medianOf } from '../measures.ts';
import { bar, format } from './table.ts';

const COLD_START = `Where the time goes beside the bare script's own (trace of the fastest of 11 cold starts, 317 ms, 2026-11-23): importing the bundle with the AWS
SDK 45 ms, registering as an extension 12, the SDK's first request 17, routing, bundle and task 25, downloading and hashing the file 40. Kept: \`require\` of
node:http (22 ms), credentials from the environment, files of their own for tasks (12), no shapes of S3 that nothing uses (8 of CPU), a caller's request as the
first run (20). Dropped: loading onnxruntime and sharp while the files come in (at 0, 5 and 10 ms into the download: no gain where S3 answers in 2 ms), both log
lines in one write (no gain).`;

/** What is known about bars that are hard to reach: where the time goes, and what was tried. Shown while the bar is missed. */
const KNOWN: Partial<Record<MeasureName, string>> = {
  'cold.floor_ratio': COLD_START,
  'cold.transformersjs_ratio': `The peer reads its model from its own package, asks nobody and logs nothing; it creates the same session and decodes by the same
libvips, so the bare script alone takes 0.64 of its time (176 of 277 ms, 2026-11-23): more than the bar. ${COLD_START}`,
  'warm.image_ratio': `Decoding by the same libvips calls takes 3.3 ms in both. Reading the header first, which refuses pictures by format, size and samples
before memory is spent on them, is 0.3 ms more. Each other option of the decoder was left out by itself (orientation, alpha, colour space, shrink on load): none
changes the time by more than the noise of 0.2 ms.`,
  'batch.throughput_ratio': `The raw loop reads no picture from S3 and writes no result: on-upload sends 192 requests for 64 pictures (what was answered
already, the picture, its result), through the SDK, from the thread that also runs the graph. It sent 64 more until it stopped looking again at what it had just seen.`,
  'load.download_ratio': `Hashing 100 MB is 58 ms of CPU that the raw download does not spend, and a request through the SDK takes 1 to 2 ms. Tried (2026-11-23): parts
held in memory until they were hashed, 4 MiB four at once (1.73), 8 MiB three at once (1.56, for more memory than its bar allows); chunks written in this thread (1.28);
blocks of 256 KiB (1.38), 512 KiB (1.33) and 2 MiB (1.47) to other threads instead of 1 MiB (1.16 to 1.31).`,
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
