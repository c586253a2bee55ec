import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readEvents } from '../../../../local/events/event-kinds.ts';
import { readService, type Service } from '../../../../local/service/service.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'service-'));
  await writeFile(join(folder, 'a.mjs'), '');
  await writeFile(join(folder, 'b.ts'), '');
});
afterAll(() => rm(folder, { recursive: true }));

const read = async (text: string, parameters: Readonly<Record<string, string>> = {}): Promise<Service> => {
  const path = join(folder, 'serverless.yml');
  await writeFile(path, text);
  const service = readService(path, { parameters, names: { Data: 'data' } });
  readEvents(service);
  return service;
};

/** A service of one function, whose settings are these. */
const withFunction = (settings: string): string => `
provider: { name: aws }
functions:
  a: { handler: a.handler, ${settings} }`;

const COMPLETE = `
params:
  default: { memory: 512, door: open, empty: "" }
provider:
  name: aws
  memorySize: \${param:memory}
  timeout: 12
  environment:
    BUCKET: { Ref: Data }
    QUEUE: { Fn::GetAtt: [Jobs, Arn] }
    EMPTY: \${param:empty}
    NUMBER: 5
    NONE: null
    STAGE: \${self:custom.name}-\${sls:stage}
    QUOTED: \${param:absent, 'a b'}
    SELF: \${env:NOT_SET_ANYWHERE, self:custom.name}
    CLOUD: "x-\${AWS::Region}"
custom:
  name: shop
  route:
    open: "GET /open"
    closed: { method: get, path: /closed }
functions:
  a:
    handler: a.main
    reservedConcurrency: \${param:reserved, null}
    events: [{ httpApi: "\${self:custom.route.\${param:door}}" }]
  b:
    handler: b.handler
    memorySize: 256
    timeout: 3
    reservedConcurrency: 7
    environment: { NUMBER: 6 }
    url: { invokeMode: RESPONSE_STREAM, authorizer: aws_iam, cors: true }
    events:
      - sqs: { Fn::GetAtt: [Jobs, Arn] }
      - sqs: { arn: "arn:aws:sqs:us-east-1:000000000000:Dead", batchSize: 5 }
      - schedule: rate(1 hour)
      - schedule: { rate: ["cron(0 12 * * ? *)"], enabled: false, input: { a: 1 } }
resources:
  Resources:
    Data:
      Type: AWS::S3::Bucket
      Properties:
        NotificationConfiguration:
          QueueConfigurations:
            - Event: s3:ObjectCreated:*
              Queue: { Fn::GetAtt: [Jobs, Arn] }
              Filter: { S3Key: { Rules: [{ Name: prefix, Value: in/ }] } }
    Jobs:
      Type: AWS::SQS::Queue
      Properties:
        VisibilityTimeout: 60
        RedrivePolicy: { deadLetterTargetArn: { Fn::GetAtt: [Dead, Arn] }, maxReceiveCount: 4 }
    Dead: { Type: AWS::SQS::Queue }
`;

describe('a service', () => {
  it('has the functions of its file, with settings of the provider where they have none', async () => {
    const { functions } = await read(COMPLETE);
    expect(functions).toEqual([
      {
        name: 'a',
        modulePath: join(folder, 'a.mjs'),
        handlerName: 'main',
        memoryMb: 512,
        timeoutSeconds: 12,
        environment: {
          BUCKET: 'data',
          QUEUE: 'Jobs',
          EMPTY: '',
          NUMBER: '5',
          STAGE: 'shop-local',
          QUOTED: 'a b',
          SELF: 'shop',
          CLOUD: `x-\${AWS::Region}`,
        },
      },
      {
        name: 'b',
        modulePath: join(folder, 'b.ts'),
        handlerName: 'handler',
        memoryMb: 256,
        timeoutSeconds: 3,
        reservedConcurrency: 7,
        environment: expect.objectContaining({ NUMBER: '6', BUCKET: 'data' }),
      },
    ]);
  });

  it('has events, queues and notifications', async () => {
    const { events, queues, notifications } = await read(COMPLETE);
    expect(events.map(({ functionName, kind }) => `${functionName} ${kind}`)).toEqual([
      'a httpApi',
      'b sqs',
      'b sqs',
      'b schedule',
      'b schedule',
      'b url',
    ]);
    expect(queues).toEqual([
      { name: 'Jobs', visibilityTimeoutSeconds: 60, redrive: { deadLetterQueue: 'Dead', maxReceiveCount: 4 } },
      { name: 'Dead', visibilityTimeoutSeconds: 30 },
    ]);
    expect(notifications).toEqual([{ bucket: 'data', prefix: 'in/', queue: 'Jobs' }]);
  });

  it('is refused for a schedule of provisioned concurrency that would end a deployment', async () => {
    const path = join(import.meta.dirname, '../../../../serverless.yml');
    const readProject = (schedule: string) => () =>
      readService(path, { parameters: { provisionedSchedule: schedule }, names: {} });
    expect(readProject('weekdays 8-18: 5')).not.toThrow();
    expect(readProject('weekdays 18-8: 5')).toThrow(/provisionedSchedule has "weekdays 18-8: 5": it ends before/);
  });

  it('has the origins of pages that may call, for its API, URLs of functions and buckets', async () => {
    const cors = '{ AllowOrigins: { Fn::Split: [",", "https://a.example,https://b.example"] }, MaxAge: 5 }';
    const extensions = `  extensions:
    HttpApi: { Properties: { CorsConfiguration: ${cors} } }
    ALambdaFunctionUrl: { Properties: { Cors: { Ref: AWS::NoValue } } }
    BLambdaFunctionUrl: { Properties: { Cors: { AllowOrigins: ["*"], ExposeHeaders: [etag] } } }
`;
    const rest = { methods: [], headers: [], exposedHeaders: [], maxAgeSeconds: 0 };
    const { cors: found } = await read(COMPLETE.replace('resources:\n', `resources:\n${extensions}`));
    expect(found).toEqual({
      httpApi: { ...rest, origins: ['https://a.example', 'https://b.example'], maxAgeSeconds: 5 },
      urls: { b: { ...rest, origins: ['*'], exposedHeaders: ['etag'] } },
      buckets: {},
    });
    expect((await read(COMPLETE)).cors).toEqual({ httpApi: undefined, urls: {}, buckets: {} });
    const rule = '{ AllowedOrigins: ["https://a.example"], AllowedMethods: [PUT], AllowedHeaders: [content-type] }';
    const bucket = '      Properties:\n        NotificationConfiguration';
    const rules = bucket.replace('Properties:', `Properties:\n        CorsConfiguration: { CorsRules: [${rule}] }`);
    expect((await read(COMPLETE.replace(bucket, rules))).cors.buckets).toEqual({
      data: { ...rest, origins: ['https://a.example'], methods: ['PUT'], headers: ['content-type'] },
    });
    const two = rules.replace(rule, `${rule}, ${rule}`);
    await expect(read(COMPLETE.replace(bucket, two))).rejects.toThrow('CorsConfiguration');
  });

  it('takes parameters before their defaults', async () => {
    const { functions, events } = await read(COMPLETE, { memory: '3008', door: 'closed', reserved: '2' });
    expect(functions[0]).toMatchObject({ memoryMb: 3008, reservedConcurrency: 2 });
    expect(events[0]?.value).toEqual({ method: 'get', path: '/closed' });
  });

  it('refuses a parameter that it does not have, naming those that it has', async () => {
    await expect(read(COMPLETE, { memroy: '1' })).rejects.toThrow(
      'there is no parameter memroy. There are: absent, door, empty, memory, reserved',
    );
  });

  it.each([
    [{ memory: 'much' }, 'the parameter memory is "much", expected a whole number from 128 to 10240'],
    [{ memory: '64' }, 'the parameter memory is "64", expected a whole number from 128 to 10240'],
    [{ reserved: '-1' }, 'functions.a.reservedConcurrency: "-1", expected a whole number from 0'],
    [{ door: 'nome' }, `functions.a.events.0.httpApi: the variable \${self:custom.route.nome} has no value`],
  ])('refuses the parameters %j', async (parameters, message) => {
    await expect(read(COMPLETE, parameters)).rejects.toThrow(message);
  });

  it.each([
    ['events: [{ sns: topic }]', 'functions.a: npm start cannot start events of the kind sns, only httpApi, sqs'],
    ['events: [alexaSkill]', 'functions.a: npm start cannot start events of the kind alexaSkill'],
    ['events: [{ httpApi: "*", sqs: x }]', 'functions.a.events.0: {"httpApi":"*","sqs":"x"}, expected one event'],
    ['events: [5]', 'functions.a.events.0: 5, expected one event'],
    ['events: { httpApi: "*" }', 'functions.a.events: '],
    ['events: [{ httpApi: 5 }]', 'functions.a: httpApi: 5, expected "<method> <path>"'],
    ['events: [{ httpApi: { method: GET } }]', 'functions.a: httpApi: path: '],
    ['events: [{ httpApi: "GET  /x" }]', 'functions.a: httpApi: the path GET  /x does not begin with /'],
    ['events: [{ httpApi: "GET /x" }, { httpApi: "get /x" }]', 'functions.a: httpApi: GET /x is a route of a already'],
    ['events: [{ sqs: elsewhere }]', 'functions.a: sqs: elsewhere is none of the queues'],
    ['events: [{ sqs: { arn: q, filterPatterns: [] } }]', 'functions.a: sqs: filterPatterns: '],
    ['events: [{ sqs: { arn: q, batchSize: 0 } }]', 'functions.a: sqs: batchSize: 0, expected a whole number from 1'],
    ['events: [{ schedule: "cron(0 12 * *)" }]', 'functions.a: schedule: cron(0 12 * *) is no schedule'],
    ['events: [{ schedule: { rate: rate(1 day), timezone: UTC } }]', 'functions.a: schedule: timezone: '],
    ['events: [{ schedule: { enabled: true } }]', 'functions.a: schedule: rate: '],
    ['events: [{ schedule: { rate: rate(1 day), input: "{" } }]', 'functions.a: schedule: the input "{" is not JSON'],
    ['url: yes', 'functions.a: url: "yes", expected true or { invokeMode'],
    ['url: { invokeMode: FAST }', 'functions.a: url: invokeMode: "FAST", expected BUFFERED or RESPONSE_STREAM'],
    ['memorySize: big', 'functions.a.memorySize: "big", expected a whole number from 128 to 10240'],
    ['memorySize: 99999', 'functions.a.memorySize: 99999, expected a whole number from 128 to 10240'],
    ['timeout: 1.5', 'functions.a.timeout: 1.5, expected a whole number from 1 to 900'],
    ['environment: { X: { Fn::Sub: y } }', 'functions.a.environment.X: {"Fn::Sub":"y"}, expected text'],
    [`environment: { X: "\${env:NOT_SET_ANYWHERE}" }`, `functions.a.environment.X: the variable \${env:NOT_SET_ANY`],
    [`environment: { X: "\${ssm:/x}" }`, `functions.a.environment.X: the variable \${ssm:/x} has no value`],
    [`environment: { X: "\${file(x.yml):y}" }`, `the variable \${file(x.yml):y} has a source that npm start does not`],
    [`environment: { X: "\${self:functions.a.environment.X}" }`, 'refers to itself'],
  ])('refuses a function with %s', async (settings, message) => {
    await expect(read(withFunction(settings))).rejects.toThrow(message);
  });

  it.each([
    [
      'provider: {}\nfunctions: { x: { handler: absent.handler } }',
      'functions.x.handler: there is no absent.ts or absent.mts',
    ],
    ['provider: {}\nfunctions: { x: { handler: a } }', 'functions.x.handler: "a", expected <file>.<export>'],
    ['provider: {}\nfunctions: { x: {} }', 'functions.x.handler: '],
    ['provider: {}', 'functions: '],
    ['provider: {}\nfunctions: [a]', 'functions.0: '],
    ['provider: { httpApi: { payload: "1.0" } }\nfunctions: {}', 'provider.httpApi.payload: expected 2.0'],
    ['functions: [', 'unexpected'],
    ['- a', 'provider: '],
  ])('refuses the file %j', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});
