import { formatBytes, formatLambdaMb } from '../../src/core/format-bytes.ts';
import type { Attempt } from '../../src/optimise/attempt.ts';
import type { OptimisationReport } from '../../src/optimise/report.ts';
import { formatTable } from './format.ts';

/** Below so many samples, the text says that intervals are wide. */
const FEW_SAMPLES = 30;

const percent = (share: number): string => `${(share * 100).toFixed(2).replace(/^-0\.00$/, '0.00')} %`;

const times = (factor: number): string => `${factor.toFixed(2)}×`;

const toRow = ({ method, kept, outcome, reason, loss, figures, originalCpuMs }: Attempt, bytes: number): string[] => {
  const name = kept.length === 0 ? method : `${method}, ${kept.length} layers in float32`;
  if (loss === undefined || figures === undefined) return [name, '', '', '', '', '', '', `${outcome}: ${reason}`];
  return [
    name,
    `${percent(loss.value)} (${percent(loss.low)} to ${percent(loss.high)})`,
    `${figures.cpuMs.toFixed(2)} ms`,
    times((originalCpuMs ?? 0) / figures.cpuMs),
    `${formatBytes(figures.bytes)} (${times(figures.bytes / bytes)})`,
    formatLambdaMb(figures.peakBytes),
    `${Math.round(figures.createMs)} ms`,
    outcome,
  ];
};

/** The table of an optimisation: a row for the original and for each attempt. */
export const formatOptimisation = ({
  attempts,
  original,
  samples,
  fixedSizes,
  maxLoss,
}: OptimisationReport): string => {
  const loss = attempts.find((attempt) => attempt.loss)?.loss;
  const time = attempts.find((attempt) => attempt.originalCpuMs !== undefined)?.originalCpuMs;
  const header = [
    'method',
    `loss of ${loss?.metric ?? 'the metric'}`,
    'CPU',
    'faster',
    'graphs',
    'peak memory',
    'load',
    '',
  ];
  const first = [
    'original',
    '',
    time === undefined ? '' : `${time.toFixed(2)} ms`,
    '',
    formatBytes(original.bytes),
    formatLambdaMb(original.peakBytes),
    `${Math.round(original.createMs)} ms`,
    loss === undefined ? '' : `${loss.metric} ${percent(loss.original)}`,
  ];
  const reasons = attempts
    .filter(({ reason, figures, kept }) => reason !== '' && figures !== undefined && kept.length === 0)
    .map(({ method, reason }) => `  ${method}: ${reason}`);
  const left = samples.count - samples.answered;
  return [
    formatTable([header, first, ...attempts.map((attempt) => toRow(attempt, original.bytes))]),
    `${samples.answered} samples; the upper end of the interval (95 %) may be ${percent(maxLoss)}`,
    ...(fixedSizes.length > 0 ? [`Fixed sizes: ${fixedSizes.join(', ')}; other sizes will be refused`] : []),
    ...(left > 0 ? [`${left} samples were left out: the original does not answer them`] : []),
    ...(samples.answered < FEW_SAMPLES ? [`${samples.answered} samples are few: intervals are wide`] : []),
    ...reasons,
  ].join('\n');
};
