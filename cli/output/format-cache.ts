import { TEMPLATE_MEMORY_MB, TEMPLATE_MODEL_SHARE } from '../../src/authoring/memory-need.ts';
import { BYTES_PER_LAMBDA_MB, formatBytes } from '../../src/core/format-bytes.ts';
import type { PublishedBundle } from '../../src/repository/versions/bundle.ts';
import { cacheBytes } from '../../src/tasks/text-generation/room.ts';

/**
 * The memory that the cache of a generated text takes, and the longest text that fits beside the model in the template's memory. It is a lower
 * bound: the peak of the trial run counts as the model's memory. Empty for models without such a cache.
 */
export const cacheFields = ({
  settings,
  trialRun,
}: Pick<PublishedBundle, 'settings' | 'trialRun'>): Record<string, string> => {
  const { cacheBytesPerToken: bytesPerToken, contextLength } = settings;
  if (typeof bytesPerToken !== 'number') return {};
  const modelBytes = trialRun?.peakMemoryBytes ?? 0;
  const free = TEMPLATE_MEMORY_MB * TEMPLATE_MODEL_SHARE * BYTES_PER_LAMBDA_MB - modelBytes;
  const fitting = Math.max(0, Math.floor(free / cacheBytes({ bytesPerToken }, 1)));
  const longest = typeof contextLength === 'number' ? Math.min(contextLength, fitting) : fitting;
  return {
    cache: `${formatBytes(bytesPerToken)} a token, four times while a token is computed`,
    'longest text': `${longest} tokens with its answer at memory=${TEMPLATE_MEMORY_MB}, which has room for ${fitting}`,
  };
};
