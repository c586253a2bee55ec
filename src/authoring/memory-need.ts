import { LAMBDA_MB_PER_VCPU, LAMBDA_MOST_MEMORY_MB } from '../core/aws-limits.ts';
import { BYTES_PER_LAMBDA_MB, formatLambdaMb } from '../core/format-bytes.ts';
import type { TrialMemory } from './try-model.ts';

/** The parameters `memory` and `modelMemoryShare` of the template, `serverless.yml`. */
export const TEMPLATE_MEMORY_MB = LAMBDA_MB_PER_VCPU;
export const TEMPLATE_MODEL_SHARE = 0.6;

/** The memory in MB with which a function can load and run the model: all of its peak, and the model within the share of models. */
export const neededMemoryMb = ({ baseBytes, peakBytes }: TrialMemory): number =>
  Math.ceil(Math.max(peakBytes, (peakBytes - baseBytes) / TEMPLATE_MODEL_SHARE) / BYTES_PER_LAMBDA_MB);

/** A note on a model that does not fit into a function as the template has it; none for others. */
export const noteOnMemory = (memory: TrialMemory): string[] => {
  const neededMb = neededMemoryMb(memory);
  if (neededMb <= TEMPLATE_MEMORY_MB) return [];
  const took = `its trial run took ${formatLambdaMb(memory.peakBytes)} of memory at its peak`;
  if (neededMb > LAMBDA_MOST_MEMORY_MB)
    return [`${took}; no function has the ${neededMb} MB that it needs, but at most ${LAMBDA_MOST_MEMORY_MB} MB`];
  return [
    `${took}; its function needs the parameter memory=${neededMb} (the template has ${TEMPLATE_MEMORY_MB}): ` +
      `npx sls deploy --param="memory=${neededMb}"`,
  ];
};
