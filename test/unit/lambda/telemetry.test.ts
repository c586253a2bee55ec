import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { startStopwatch } from '../../../src/core/stopwatch.ts';
import { createTelemetry } from '../../../src/lambda/telemetry/telemetry.ts';
import type { Observation, Step } from '../../../src/serving/telemetry.ts';

const ENVIRONMENT = { memoryMb: 1769, directory: '.', initMs: () => 421 };

type Line = Record<string, unknown>;
interface Blob extends Line {
  readonly _aws: {
    readonly CloudWatchMetrics: [
      { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] },
    ];
  };
}

let lines: Line[];

beforeEach(() => {
  lines = [];
  Object.assign(process.env, {
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
    POWERTOOLS_SERVICE_NAME: 'test-service',
    POWERTOOLS_METRICS_NAMESPACE: 'test-namespace',
  });
  for (const method of ['log', 'info', 'warn', 'error'] as const)
    jest.spyOn(console, method).mockImplementation((text: string) => {
      lines.push(JSON.parse(text) as Line);
    });
});
afterEach(() => {
  jest.restoreAllMocks();
});

const blobs = () => lines.filter((line): line is Blob => '_aws' in line);
const logs = () => lines.filter((line) => !('_aws' in line));

const observation = (overrides: Partial<Observation> = {}): Observation => {
  const stopwatch = startStopwatch<Step>();
  stopwatch.lap('route');
  stopwatch.lap('run');
  return {
    requestId: 'r-1',
    operation: 'POST /models/:name',
    stopwatch,
    model: 'm',
    version: 3,
    batchSize: 1,
    failures: [],
    ...overrides,
  };
};

describe('a request', () => {
  it('is one metrics blob by service, model and version, and one log line', () => {
    createTelemetry(ENVIRONMENT).observed(observation());

    expect(blobs()).toHaveLength(1);
    expect(logs()).toHaveLength(1);
    const [blob] = blobs();
    const directive = blob?._aws.CloudWatchMetrics[0];
    expect(directive?.Namespace).toBe('test-namespace');
    expect(directive?.Dimensions.map((names) => names.toSorted())).toEqual([['model', 'service', 'version']]);
    expect(blob).toMatchObject({ service: 'test-service', model: 'm', version: '3' });
    expect(directive?.Metrics.map(({ Name }) => Name).sort()).toEqual(
      [
        'Requests',
        'ClientFaults',
        'ServerFaults',
        'ColdStarts',
        'InitTime',
        'CpuTime',
        'MemoryUsed',
        'TmpUsed',
        'BatchSize',
        'RouteTime',
        'RunTime',
        'TotalTime',
      ].sort(),
    );
    expect(logs()[0]).toMatchObject({ level: 'INFO', requestId: 'r-1', model: 'm', version: 3, coldStart: true });
  });

  it('has its id in the log line alone', () => {
    createTelemetry(ENVIRONMENT).observed(observation());

    expect(JSON.stringify(blobs())).not.toContain('r-1');
  });

  it('has the id of its trace in the log line alone, whoever ends well or ill', () => {
    const telemetry = createTelemetry(ENVIRONMENT);
    const trace = { traceId: 'a1b2', parentId: undefined, isSampled: false };
    const errors = [new ServingError('INVALID_INPUT', 'wrong'), new ServingError('INTERNAL', 'broken')];
    for (const failures of [[], ...errors.map((error) => [error])])
      telemetry.observed(observation({ trace, failures }));
    telemetry.observed(observation());

    expect(logs().map(({ level, traceId }) => [level, traceId])).toEqual([
      ...[
        ['INFO', 'a1b2'],
        ['WARN', 'a1b2'],
        ['ERROR', 'a1b2'],
      ],
      ['INFO', undefined],
    ]);
    expect(JSON.stringify(blobs())).not.toContain('a1b2');
  });

  it('is a cold start once in a process', () => {
    const telemetry = createTelemetry(ENVIRONMENT);
    telemetry.observed(observation());
    telemetry.observed(observation());

    expect(blobs().map((blob) => blob.ColdStarts)).toEqual([1, undefined]);
    expect(logs().map((line) => line.coldStart)).toEqual([true, false]);
  });

  it('leaves no dimension and no metric behind for the next', () => {
    const telemetry = createTelemetry(ENVIRONMENT);
    telemetry.observed(observation());
    telemetry.observed(observation({ model: 'other', version: 1, batchSize: 0 }));

    expect(blobs()[1]).toMatchObject({ model: 'other', version: '1' });
    expect(blobs()[1]).not.toHaveProperty('BatchSize');
  });

  it('for a model that does not exist makes no metric of its name', () => {
    const { version: _, ...unknown } = observation({ model: 'made-up' });
    createTelemetry(ENVIRONMENT).observed(unknown);

    expect(JSON.stringify(blobs())).not.toContain('made-up');
    expect(logs()[0]).toMatchObject({ model: 'made-up' });
  });

  it('counts every request of a batch', () => {
    createTelemetry(ENVIRONMENT).observed(observation({ batchSize: 7 }));

    expect(blobs()[0]).toMatchObject({ Requests: 7, BatchSize: 7 });
  });
});

describe('a fault', () => {
  const fail = (...failures: ServingError[]) => createTelemetry(ENVIRONMENT).observed(observation({ failures }));

  it('of the caller is counted as theirs, and warned of without a stack', () => {
    fail(new ServingError('INVALID_INPUT', 'no picture'));

    expect(blobs()[0]).toMatchObject({ ClientFaults: 1, ServerFaults: 0 });
    expect(logs()[0]).toMatchObject({ level: 'WARN', failures: [{ code: 'INVALID_INPUT', message: 'no picture' }] });
    expect(JSON.stringify(logs()[0])).not.toContain('stack');
  });

  it('of the caller is logged with the text for the operator', () => {
    fail(new ServingError('NOT_FOUND', 'no model x', { operator: 'push one' }));

    expect(logs()[0]).toMatchObject({ failures: [{ code: 'NOT_FOUND', message: 'no model x', operator: 'push one' }] });
  });

  it('of the service is counted as ours, and logged whole', () => {
    fail(new ServingError('INTERNAL', 'broken', { cause: new TypeError('the cause') }));

    expect(blobs()[0]).toMatchObject({ ClientFaults: 0, ServerFaults: 1 });
    expect(logs()[0]).toMatchObject({ level: 'ERROR' });
    expect(JSON.stringify(logs()[0])).toContain('TypeError: the cause');
  });
});

const LOAD = {
  ...{ model: 'm', version: 1, downloadBytes: 10, downloadMs: 2.5, createMs: 30, warmUpMs: 4.0001 },
  memoryBytes: 20_000_000,
};

describe('loading a model', () => {
  it('is measured apart from requests', () => {
    createTelemetry(ENVIRONMENT).loaded(LOAD);

    expect(blobs()[0]).toMatchObject({
      model: 'm',
      version: '1',
      ModelLoads: 1,
      DownloadBytes: 10,
      DownloadTime: 2.5,
      CreateTime: 30,
    });
    expect(logs()[0]).toMatchObject({
      message: 'model loaded',
      model: 'm',
      warmUpMs: 4,
      memoryBytes: 20_000_000,
    });
  });
});

describe('evicting a model', () => {
  it('is counted for the model', () => {
    createTelemetry(ENVIRONMENT).evicted({ model: 'm', version: 2, memoryBytes: 20_000_000 });

    expect(blobs()[0]).toMatchObject({ model: 'm', version: '2', ModelEvictions: 1 });
    expect(logs()[0]).toMatchObject({ message: 'model evicted', model: 'm', version: 2, memoryBytes: 20_000_000 });
  });
});
