import { describe, expect, it } from '@jest/globals';
import { readCollectorConfig, readConfig } from '../../../src/lambda/configuration.ts';

const BUCKETS = { MODELS_BUCKET: 'models', DATA_BUCKET: 'data' };

describe('the configuration', () => {
  it('serves every model, signed or not, within 60 % of the memory and 90 % of /tmp, unless it says otherwise', () => {
    const unset = { MODELS: '', TRUSTED_KEYS: '', MODEL_MEMORY_SHARE: '' };

    for (const environment of [BUCKETS, { ...BUCKETS, ...unset }])
      expect(readConfig(environment)).toMatchObject({
        ...{ models: [], references: 'model', trustedKeys: '', modelMemoryShare: 0.6, modelTmpShare: 0.9 },
      });
  });

  it('ends init a second before Lambda would end it, later with provisioned concurrency', () => {
    const provisioned = { ...BUCKETS, AWS_LAMBDA_INITIALIZATION_TYPE: 'provisioned-concurrency' };

    expect(readConfig(BUCKETS).initBudgetMs).toBe(9_000);
    expect(readConfig(provisioned).initBudgetMs).toBe(129_000);
  });

  it('reads lists of models with spaces around their names', () => {
    const { models, preloadModels } = readConfig({ ...BUCKETS, MODELS: 'a, b,', PRELOAD_MODELS: ' a' });

    expect([models, preloadModels]).toEqual([['a', 'b'], ['a']]);
  });

  it('embeds no model unless it says so, and answers by the routing of the deployment', () => {
    const none = { names: [], routing: 'deployed', directory: '/opt' };
    expect(readConfig({ ...BUCKETS, EMBED_MODELS: '', EMBED_ROUTING: '' }).embedded).toEqual(none);
    const strict = { EMBED_MODELS: 'a, b', EMBED_ROUTING: 'strict', EMBEDDED_DIR: '/models' };
    expect(readConfig({ ...BUCKETS, ...strict }).embedded).toEqual({
      ...{ names: ['a', 'b'], routing: 'strict', directory: '/models' },
    });
    expect(() => readConfig({ ...BUCKETS, EMBED_ROUTING: 'never' })).toThrow('expected deployed or strict');
  });

  it('lets requests refer to all uploads, or to those for their own model', () => {
    expect(readConfig({ ...BUCKETS, REFERENCES: 'all' }).references).toBe('all');
    expect(readConfig({ ...BUCKETS, REFERENCES: '' }).references).toBe('model');
    expect(() => readConfig({ ...BUCKETS, REFERENCES: 'own' })).toThrow('expected model or all');
  });

  it('answers in the shapes of the Python clients, or of those for JavaScript', () => {
    expect(readConfig(BUCKETS).clients).toBe('python');
    expect(readConfig({ ...BUCKETS, CLIENTS: 'javascript' }).clients).toBe('javascript');
    expect(() => readConfig({ ...BUCKETS, CLIENTS: 'ruby' })).toThrow('expected python or javascript');
  });

  it('reads the versions that are withdrawn, and refuses what names none', () => {
    expect(readConfig({ ...BUCKETS, WITHDRAWN: 'iris/3, a.b/12' }).withdrawn).toEqual(['iris/3', 'a.b/12']);
    for (const wrong of ['iris', 'iris/', 'iris/0', 'iris/next', 'a/b/3'])
      expect(() => readConfig({ ...BUCKETS, WITHDRAWN: wrong })).toThrow(`WITHDRAWN has ${wrong}`);
  });

  it('limits no spending by default, and refuses what is no amount', () => {
    expect(readConfig(BUCKETS).maxMonthlyDollars).toBe(0);
    expect(readConfig({ ...BUCKETS, MAX_MONTHLY_DOLLARS: '25.5' }).maxMonthlyDollars).toBe(25.5);
    for (const wrong of ['-1', 'much', 'Infinity', '$5'])
      expect(() => readConfig({ ...BUCKETS, MAX_MONTHLY_DOLLARS: wrong })).toThrow(`MAX_MONTHLY_DOLLARS is ${wrong}`);
  });

  it('takes its default for a variable that is empty', () => {
    const empty = {
      ...{ MODEL_CACHE_DIR: '', EMBEDDED_DIR: '', ROUTING_TTL_SECONDS: '', UPLOAD_ATTEMPTS: '', JOB_BODY_BYTES: '' },
      ...{ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '', MAX_MONTHLY_DOLLARS: '', FLEET: '', API_AUTH: '' },
    };
    expect(readConfig({ ...BUCKETS, ...empty })).toEqual(readConfig(BUCKETS));
  });

  it.each(['Infinity', '-1', 'much'])('refuses %s as a size, a time and a count', (text) => {
    for (const name of [
      ...['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'ROUTING_TTL_SECONDS', 'UPLOAD_ATTEMPTS', 'JOB_BODY_BYTES'],
      ...['MODEL_MEMORY_SHARE', 'MODEL_TMP_SHARE', 'MAX_MONTHLY_DOLLARS'],
    ])
      expect(() => readConfig({ ...BUCKETS, [name]: text })).toThrow(`${name} is ${text}, expected`);
  });

  it.each(['0', '-1', '1.01', '60', 'most'])('refuses %s as a share', (text) => {
    expect(() => readConfig({ ...BUCKETS, MODEL_MEMORY_SHARE: text })).toThrow(`MODEL_MEMORY_SHARE is ${text}`);
    expect(() => readConfig({ ...BUCKETS, MODEL_TMP_SHARE: text })).toThrow(`MODEL_TMP_SHARE is ${text}`);
  });
});

describe('a collector of OpenTelemetry', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:4318';

  it('is none unless it is named', () => {
    for (const environment of [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_TIMEOUT: 'x' }])
      expect(readCollectorConfig(environment)).toBeUndefined();
  });

  it('is waited for two seconds, unless it says otherwise', () => {
    const named = { OTEL_EXPORTER_OTLP_ENDPOINT, POWERTOOLS_SERVICE_NAME: 'vision-dev' };
    expect(readCollectorConfig(named)).toEqual({ service: 'vision-dev', timeoutMs: 2_000 });
    expect(readCollectorConfig({ ...named, OTEL_EXPORTER_OTLP_TIMEOUT: '300' })?.timeoutMs).toBe(300);
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT is localhost:4318, expected'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere' }, 'OTEL_EXPORTER_OTLP_ENDPOINT is nowhere, expected an address'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TIMEOUT: '-1' }, 'OTEL_EXPORTER_OTLP_TIMEOUT is -1, expected'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TIMEOUT: '1e10' },
      'is 1e10, expected milliseconds from 1 to 60000',
    ],
  ])('%j is refused', (environment, message) => {
    expect(() => readCollectorConfig(environment)).toThrow(message);
  });
});
