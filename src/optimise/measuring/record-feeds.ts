import type { Graph } from '../../core/graph.ts';
import { mapTensors, type Tensor, type Tensors, tensor } from '../../core/tensor.ts';
import { answerSample } from './answer-sample.ts';
import type { Sample } from './jobs.ts';
import { type LocalVersion, openVersion } from './local-version.ts';

/** Runs of a graph that are recorded: a generating decoder has many. */
const MOST_RUNS = 128;
const MOST_RECORDED_BYTES = 512 * 1024 ** 2;

const bytesOfFeeds = (feeds: Tensors): number =>
  Object.values(feeds).reduce((sum, { data }) => sum + ('buffer' in data ? data.byteLength : 0), 0);

/** Copies of the inputs that the graph `role` gets while the samples are answered. */
export const recordFeeds = async (
  version: LocalVersion,
  samples: readonly Sample[],
  role: string,
): Promise<Tensors[]> => {
  const recorded: Tensors[] = [];
  let bytes = 0;
  const copy = ({ dtype, shape, data }: Tensor): Tensor => tensor(dtype, shape, data.slice());
  const wrap = (graph: Graph, of: string): Graph => ({
    signature: graph.signature,
    run: (feeds, names) => {
      if (of === role && recorded.length < MOST_RUNS && bytes < MOST_RECORDED_BYTES) {
        recorded.push(mapTensors(feeds, copy));
        bytes += bytesOfFeeds(feeds);
      }
      return graph.run(feeds, names);
    },
  });
  const opened = await openVersion(version, wrap);
  try {
    for (const sample of samples) await answerSample(opened, sample).catch(() => {}); // refused by the original, too
  } finally {
    await opened.release();
  }
  return recorded;
};
