import * as v from 'valibot';
import { addHistogram, histogramSchema } from '../histogram.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const amount = v.pipe(v.number(), v.minValue(0));

const versionSchema = v.object({
  /** Requests, and uploads that ran together. */
  requests: count,
  /** Failures that the caller has to mend, and those that the operator has to mend. */
  clientFaults: count,
  serverFaults: count,
  /** Milliseconds of each request in the function. */
  latencyMs: histogramSchema,
  /** Sums over the requests: time in the function in whole milliseconds, as Lambda bills it, and time of the processor. */
  billedMs: amount,
  cpuMs: amount,
  /** Execution environments whose first request this was, and the time of their init. */
  coldStarts: count,
  initMs: amount,
  /** Most megabytes of memory that the process has had. */
  memoryMb: amount,
});

/** The figures of one version of a model. */
export type VersionFigures = v.InferOutput<typeof versionSchema>;

/** The figures of requests that reach no version of a model lie where no model can have its own. They cost money, too. */
export const NO_MODEL = { name: '-', version: 0 } as const;

const hourSchema = v.object({
  formatVersion: v.literal(1),
  /** Name of the function, and its memory: the price of a millisecond. */
  functionName: v.string(),
  memoryMb: amount,
  versions: v.record(v.pipe(v.string(), v.regex(/^(0|[1-9]\d{0,8})$/)), versionSchema),
});

/**
 * The figures of a model in an execution environment and an hour. The environment writes the whole of them once a minute at most; the figures of
 * several environments and hours are added.
 */
export type HourFigures = v.InferOutput<typeof hourSchema>;

export const noFigures = (): VersionFigures => ({
  ...{ requests: 0, clientFaults: 0, serverFaults: 0, latencyMs: {} },
  ...{ billedMs: 0, cpuMs: 0, coldStarts: 0, initMs: 0, memoryMb: 0 },
});

export const addFigures = (one: VersionFigures, more: VersionFigures): VersionFigures => {
  const latencyMs = { ...one.latencyMs };
  addHistogram(latencyMs, more.latencyMs);
  return {
    requests: one.requests + more.requests,
    clientFaults: one.clientFaults + more.clientFaults,
    serverFaults: one.serverFaults + more.serverFaults,
    latencyMs,
    billedMs: one.billedMs + more.billedMs,
    cpuMs: one.cpuMs + more.cpuMs,
    coldStarts: one.coldStarts + more.coldStarts,
    initMs: one.initMs + more.initMs,
    memoryMb: Math.max(one.memoryMb, more.memoryMb),
  };
};

/** Undefined for a document of another form. */
export const parseFigures = (text: string): HourFigures | undefined => {
  try {
    const parsed = v.safeParse(hourSchema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
};
