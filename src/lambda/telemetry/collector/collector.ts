import { ServingError } from '../../../core/errors.ts';
import type { TraceContext } from '../../../core/trace-context.ts';
import type { LoadReport } from '../../../engine/model-loader.ts';
import type { Background } from '../../../serving/background.ts';
import type { Telemetry } from '../../../serving/telemetry.ts';
import type { EndedLoad, EndedRequest, Exporter, ExporterOptions, Measured } from './messages.ts';

/** Keeps what requests tell, and has it sent to a collector of OpenTelemetry behind the answers. */
export interface Collector {
  /** After a request has ended. @returns its trace: that of its caller, or a new one */
  requested(request: Pick<EndedRequest, 'observation' | 'totalMs' | 'initMs'>): TraceContext;
  loaded(report: LoadReport): void;
  measured(measured: Measured): void;
  /** Sends what is kept. Never rejects. */
  flush(): Promise<void>;
}

export interface CollectorOptions {
  readonly background: Background;
  readonly warned: Telemetry['warned'];
  readonly connect: () => Promise<Exporter>;
  /** False where Lambda freezes timers between events: only requests have something sent there. */
  readonly hasTimers: boolean;
  readonly nowMs?: () => number;
}

/** Time between the sendings of an environment. */
const SEND_MS = 5_000;
/** Time after a sending that failed: a collector that is down costs one attempt a minute. */
const PAUSE_MS = 60_000;
/** Requests, groups of metrics and loads that are kept; beyond, the oldest ones are lost. */
const MOST = 1_000;

const newTrace = (): TraceContext => ({
  traceId: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
  parentId: undefined,
  isSampled: true,
});

/** Keeps requests and metrics until they are sent. */
const createWaiting = () => {
  let requests: EndedRequest[] = [];
  let measured: Measured[] = [];
  let lost = 0;
  return {
    addRequest(request: EndedRequest): void {
      if (requests.push(request) <= MOST) return;
      requests.shift();
      lost += 1;
    },
    addMeasured(values: Measured): void {
      if (measured.push(values) > MOST) measured.shift();
    },
    /** All that is kept, with the number of requests that were not. */
    take() {
      const taken = { requests, measured, lost };
      [requests, measured, lost] = [[], [], 0];
      return taken;
    },
  };
};

/** Keeps the last load of each version. */
const createLoads = () => {
  const loads = new Map<string, EndedLoad>();
  const nameOf = (model: string | undefined, version: number | undefined): string => `${model} ${version}`;
  return {
    find: (model: string | undefined, version: number | undefined) => loads.get(nameOf(model, version)),
    add(load: EndedLoad): void {
      const name = nameOf(load.report.model, load.report.version);
      loads.delete(name);
      loads.set(name, load);
      const [oldest] = loads.keys();
      if (loads.size > MOST && oldest !== undefined) loads.delete(oldest);
    },
  };
};

export const createCollector = (options: CollectorOptions): Collector => {
  const { background, warned, connect, hasTimers, nowMs = Date.now } = options;
  const waiting = createWaiting();
  const loads = createLoads();
  let dueMs = 0;
  let exporter: Promise<Exporter> | undefined;
  let sent = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const send = async (): Promise<void> => {
    const { requests, measured, lost } = waiting.take();
    if (requests.length + measured.length === 0) return;
    try {
      exporter ??= connect();
      await (await exporter).send(requests, measured);
      dueMs = nowMs() + SEND_MS;
    } catch (cause) {
      dueMs = nowMs() + PAUSE_MS;
      const text = `traces or metrics of ${requests.length + lost} requests were lost, and the next are sent in ${PAUSE_MS / 1_000} s`;
      warned('the collector of OpenTelemetry fails', new ServingError('INTERNAL', text, { cause }));
    }
  };
  const flush = (): Promise<void> => {
    sent = sent.then(send);
    return sent;
  };
  const schedule = (): void => {
    const waitMs = dueMs - nowMs();
    const isClockSetBack = waitMs > PAUSE_MS;
    if (waitMs <= 0 || isClockSetBack) {
      dueMs = nowMs() + SEND_MS;
      background.defer(flush);
    } else if (hasTimers && timer === undefined)
      timer = setTimeout(() => {
        timer = undefined;
        void flush();
      }, waitMs).unref();
  };

  return {
    flush,
    measured: waiting.addMeasured,
    loaded(report) {
      loads.add({ endMs: nowMs(), report });
    },
    requested(request) {
      const { model, version, trace = newTrace() } = request.observation;
      waiting.addRequest({ ...request, trace, endMs: nowMs(), load: loads.find(model, version) });
      schedule();
      return trace;
    },
  };
};

/** The collector of a function. The code that speaks with it is loaded behind the first answer. */
export const connectCollector = (
  surroundings: Pick<CollectorOptions, 'background' | 'warned' | 'hasTimers'>,
  options: ExporterOptions,
): Collector =>
  createCollector({
    ...surroundings,
    connect: async () => (await import('./exporter.ts')).createExporter(options),
  });
