import { beforeEach, describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { startStopwatch } from '../../../src/core/stopwatch.ts';
import {
  type Collector,
  type CollectorOptions,
  createCollector,
} from '../../../src/lambda/telemetry/collector/collector.ts';
import type { EndedRequest, Measured } from '../../../src/lambda/telemetry/collector/messages.ts';
import { toRequestSpan } from '../../../src/lambda/telemetry/collector/request-span.ts';
import type { Observation, Step } from '../../../src/serving/telemetry.ts';

const observation = (overrides: Partial<Observation> = {}): Observation => ({
  ...{ requestId: 'r', operation: 'POST /models/:name', stopwatch: startStopwatch<Step>() },
  ...{ model: 'm', version: 3, batchSize: 1, failures: [] },
  ...overrides,
});

const LOAD = { model: 'm', version: 3, downloadBytes: 1, downloadMs: 30, createMs: 20, warmUpMs: 10, memoryBytes: 1 };

let nowMs: number;
let deferred: (() => Promise<void>)[];
let sent: { requests: readonly EndedRequest[]; measured: readonly Measured[] }[];
let warnings: ServingError[];
let fault: Error | undefined;
let connects: number;

beforeEach(() => {
  [nowMs, deferred, sent, warnings, fault, connects] = [1_000_000, [], [], [], undefined, 0];
});

const create = (options: Partial<CollectorOptions> = {}): Collector =>
  createCollector({
    background: { hold: () => {}, defer: (start) => deferred.push(start) },
    warned: (_message, error) => warnings.push(error),
    hasTimers: false,
    nowMs: () => nowMs,
    connect: async () => {
      connects += 1;
      return {
        send: async (requests, measured) => {
          sent.push({ requests, measured });
          if (fault) throw fault;
        },
      };
    },
    ...options,
  });

/** What the background does behind an answer. */
const behindTheAnswer = async (): Promise<void> => {
  for (const start of deferred.splice(0)) await start();
};
const ask = ({ requested }: Collector): void => {
  requested({ observation: observation(), totalMs: 5, initMs: undefined });
};

describe('a collector', () => {
  it('is connected and told behind the answer, every five seconds at most', async () => {
    const collector = create();
    ask(collector);
    expect(connects).toBe(0);
    await behindTheAnswer();
    for (let request = 0; request < 9; request += 1) ask(collector);
    expect(deferred).toEqual([]);
    nowMs += 5_000;
    ask(collector);
    await behindTheAnswer();
    expect(sent.map(({ requests }) => requests.length)).toEqual([1, 10]);
    expect(connects).toBe(1);
  });

  it('is left alone for a minute after a fault, which is told once with what was lost', async () => {
    const collector = create();
    fault = new Error('traces: connect ECONNREFUSED');
    ask(collector);
    await behindTheAnswer();
    nowMs += 59_000;
    for (let request = 0; request < 1_200; request += 1) {
      ask(collector);
      collector.measured({ values: [] });
    }
    expect(deferred).toEqual([]);
    nowMs += 1_000;
    ask(collector);
    await behindTheAnswer();
    expect(warnings.map(({ message }) => message)).toEqual([
      'traces or metrics of 1 requests were lost, and the next are sent in 60 s',
      'traces or metrics of 1201 requests were lost, and the next are sent in 60 s',
    ]);
    expect(warnings[0]?.cause).toBe(fault);
    expect(sent[1]?.requests).toHaveLength(1_000);
    expect(sent[1]?.measured).toHaveLength(1_000);
    fault = undefined;
    nowMs += 60_000;
    ask(collector);
    await behindTheAnswer();
    expect(warnings).toHaveLength(2);
    expect(sent[2]?.requests).toHaveLength(1);
  });

  it('gets the rest when the process ends, and nothing when there is none', async () => {
    const collector = create();
    await collector.flush();
    expect([connects, sent]).toEqual([0, []]);
    ask(collector);
    await behindTheAnswer();
    ask(collector);
    await collector.flush();
    await collector.flush();
    expect(sent).toHaveLength(2);
  });

  it('gets what came while it was being told, when the process ends', async () => {
    const first = Promise.withResolvers<void>();
    const lengths: number[] = [];
    const send = async (requests: readonly EndedRequest[]): Promise<void> => {
      lengths.push(requests.length);
      if (lengths.length === 1) await first.promise;
    };
    const collector = create({ connect: async () => ({ send }) });
    ask(collector);
    const telling = behindTheAnswer();
    await new Promise(setImmediate);
    ask(collector);
    ask(collector);
    const end = collector.flush();
    first.resolve();
    await Promise.all([telling, end]);
    expect(lengths).toEqual([1, 2]);
  });

  it('is told without a further request where nobody freezes timers', async () => {
    const told = Promise.withResolvers<void>();
    const send = async (): Promise<void> => {
      nowMs -= 4_990; // so much of the five seconds is over
      if (++connects === 2) told.resolve();
    };
    const collector = create({ hasTimers: true, connect: async () => ({ send }) });
    ask(collector);
    await behindTheAnswer();
    nowMs += 4_990;
    ask(collector);
    await told.promise;
  });

  it('is told although the clock was set back', async () => {
    const collector = create();
    ask(collector);
    await behindTheAnswer();
    nowMs -= 3_600_000;
    ask(collector);
    await behindTheAnswer();
    expect(sent).toHaveLength(2);
  });

  it('is told of the last load of a version, and 1,000 loads are kept', async () => {
    const collector = create();
    const loadOf = async () => {
      ask(collector);
      await collector.flush();
      return sent.at(-1)?.requests.at(-1)?.load;
    };
    collector.loaded(LOAD);
    collector.loaded({ ...LOAD, downloadMs: 0 });
    expect(await loadOf()).toMatchObject({ report: { downloadMs: 0 } });
    for (let version = 4; version < 1_003; version += 1) collector.loaded({ ...LOAD, version });
    expect(await loadOf()).toBeDefined();
    collector.loaded({ ...LOAD, version: 1_003 });
    expect(await loadOf()).toBeUndefined();
  });

  it('that cannot be connected fails no request', async () => {
    const collector = create({ connect: () => Promise.reject(new Error("Cannot find module 'x'")) });
    ask(collector);
    await behindTheAnswer();
    expect(warnings[0]?.cause).toEqual(new Error("Cannot find module 'x'"));
  });

  it("is told of the caller's trace, or of a new one", async () => {
    const collector = create();
    const trace = { traceId: 'a'.repeat(32), parentId: 'b'.repeat(16), isSampled: false };
    const facts = { totalMs: 5, initMs: undefined };
    expect(collector.requested({ observation: observation({ trace }), ...facts })).toEqual(trace);
    const [one, other] = [1, 2].map(() => collector.requested({ observation: observation(), ...facts }).traceId);
    expect(one).toMatch(/^[\da-f]{32}$/);
    expect(one).not.toBe(other);
  });
});

describe('the span of a request', () => {
  const ended = (overrides: Partial<EndedRequest> = {}): EndedRequest => ({
    observation: observation(),
    trace: { traceId: 'a', parentId: undefined, isSampled: true },
    ...{ endMs: 1_000, totalMs: 100, initMs: undefined, load: undefined },
    ...overrides,
  });

  it('has the parts of a load that ended within it', () => {
    const { parts } = toRequestSpan(ended({ load: { endMs: 960, report: LOAD } }));
    expect(parts).toEqual([
      { name: 'download', startMs: 900, endMs: 930 },
      { name: 'create', startMs: 930, endMs: 950 },
      { name: 'warm-up', startMs: 950, endMs: 960 },
    ]);
    for (const endMs of [899, 1_001]) expect(toRequestSpan(ended({ load: { endMs, report: LOAD } })).parts).toEqual([]);
  });

  it('has each step where it began, as long as it took', () => {
    const stopwatch = startStopwatch<Step>();
    stopwatch.lap('route');
    stopwatch.lap('run');
    stopwatch.lap('postprocess');
    stopwatch.lap('run');
    const { startMs, parts } = toRequestSpan(ended({ observation: observation({ stopwatch }) }));
    expect(startMs).toBe(900);
    expect(parts.map(({ name }) => name)).toEqual(['route', 'run', 'postprocess']);
    const [route, run] = parts;
    expect(route?.startMs).toBe(900);
    expect(run?.startMs).toBeCloseTo(route?.endMs ?? 0, 9);
    expect((run?.endMs ?? 0) - (run?.startMs ?? 0)).toBeCloseTo(stopwatch.stepsMs.run ?? 0, 9);
  });

  it('is at fault when the service is, and names the error of a caller', () => {
    const failing = (...failures: ServingError[]) => toRequestSpan(ended({ observation: observation({ failures }) }));
    const wrong = failing(new ServingError('INVALID_INPUT', 'my text'));
    expect([wrong.fault, wrong.attributes['error.type']]).toEqual([undefined, 'INVALID_INPUT']);
    expect(failing(new ServingError('INTERNAL', 'broken')).fault).toBe('INTERNAL');
    expect(JSON.stringify(wrong)).not.toContain('my text');
  });

  it('of uploads is no HTTP', () => {
    const { isHttp, attributes } = toRequestSpan(ended({ observation: observation({ operation: 'upload' }) }));
    expect(isHttp).toBe(false);
    expect(attributes).toMatchObject({ 'faas.trigger': 'pubsub' });
    expect(attributes).not.toHaveProperty('http.route');
  });
});
