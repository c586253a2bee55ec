import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '../../../src/lambda/telemetry/logger.ts';
import { createWriteMetrics } from '../../../src/lambda/telemetry/write-metrics.ts';

const DEV = { POWERTOOLS_DEV: 'true', POWERTOOLS_SERVICE_NAME: 'vision' };

let written: { method: string; line: Record<string, unknown> }[];

beforeEach(() => {
  written = [];
  for (const method of ['log', 'info', 'warn', 'error'] as const)
    jest.spyOn(console, method).mockImplementation((text: string) => {
      written.push({ method, line: JSON.parse(text) });
    });
});
afterEach(() => {
  jest.restoreAllMocks();
  Reflect.deleteProperty(process.env, '_X_AMZN_TRACE_ID');
});

const writeEach = (environment: NodeJS.ProcessEnv): unknown[] => {
  const logger = createLogger({ ...DEV, ...environment });
  for (const level of ['info', 'warn', 'error'] as const) logger[level](level, {});
  return written.splice(0).map(({ line }) => line.level);
};

describe('a log line', () => {
  it('has its level, a time in UTC, the service, and the fields that are there', () => {
    createLogger(DEV).warn('request refused', { model: 'm', traceId: undefined, failures: [{ code: 'NOT_FOUND' }] });

    const [{ method, line } = { method: '', line: {} }] = written;
    expect(method).toBe('warn');
    expect(Object.keys(line)).toEqual(['level', 'message', 'timestamp', 'service', 'model', 'failures']);
    expect(line).toMatchObject({ level: 'WARN', message: 'request refused', service: 'vision', model: 'm' });
    expect(new Date(String(line.timestamp)).toISOString()).toBe(line.timestamp);
  });

  it('names the trace of X-Ray, which changes from invocation to invocation', () => {
    const logger = createLogger(DEV);
    process.env._X_AMZN_TRACE_ID = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1';
    logger.info('request', {});
    process.env._X_AMZN_TRACE_ID = 'Root=1-5759e989-bd862e3fe1be46a994272793';
    logger.info('request', {});

    expect(written.map(({ line }) => line.xray_trace_id)).toEqual([
      '1-5759e988-bd862e3fe1be46a994272793',
      '1-5759e989-bd862e3fe1be46a994272793',
    ]);
  });

  it.each([
    [{}, ['INFO', 'WARN', 'ERROR']],
    [{ POWERTOOLS_LOG_LEVEL: 'debug' }, ['INFO', 'WARN', 'ERROR']],
    [{ POWERTOOLS_LOG_LEVEL: 'WARN' }, ['WARN', 'ERROR']],
    [{ LOG_LEVEL: 'ERROR' }, ['ERROR']],
    [{ POWERTOOLS_LOG_LEVEL: 'SILENT' }, []],
    [{ POWERTOOLS_LOG_LEVEL: 'loud' }, ['INFO', 'WARN', 'ERROR']],
    [{ AWS_LAMBDA_LOG_LEVEL: 'FATAL', POWERTOOLS_LOG_LEVEL: 'INFO' }, []],
  ])('of a level below that of %j is not written', (environment, levels) => {
    expect(writeEach(environment)).toEqual(levels);
  });
});

describe('metrics', () => {
  it('are a line by which CloudWatch finds their dimensions, units and values', () => {
    const writeMetrics = createWriteMetrics({ ...DEV, POWERTOOLS_METRICS_DISABLED: 'false' });
    writeMetrics({ model: 'm', version: '3' }, [
      ['Requests', 1],
      ['TotalTime', 2.5],
    ]);

    expect(written[0]).toEqual({
      method: 'log',
      line: {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'onnx-serverless',
              Dimensions: [['service', 'model', 'version']],
              Metrics: [
                { Name: 'Requests', Unit: 'Count' },
                { Name: 'TotalTime', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
        ...{ service: 'vision', model: 'm', version: '3', Requests: 1, TotalTime: 2.5 },
      },
    });
  });

  it.each([{ POWERTOOLS_METRICS_DISABLED: 'true' }, { POWERTOOLS_METRICS_DISABLED: '1' }, {}])(
    'are not written with %j in development',
    (environment) => {
      createWriteMetrics({ ...DEV, ...environment })({}, [['Requests', 1]]);

      expect(written).toEqual([]);
    },
  );
});
