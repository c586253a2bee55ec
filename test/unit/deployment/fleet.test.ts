import { describe, expect, it } from '@jest/globals';
import { parseFleet, withoutFleet } from '../../../src/deployment/fleet.ts';
import { addFleet, functionsOf } from '../../../src/deployment/fleet-parts.ts';

const TAKEN = ['infer', 'job'];
const parse = (value: unknown, models = '') => parseFleet(value, models, TAKEN);
const BIG = { name: 'big', models: ['whisper'], memory: 10_240 };

describe('the parameter fleet', () => {
  it('is a list in the file, and JSON on the command line', () => {
    expect(parse([BIG])).toEqual([BIG]);
    expect(parse(JSON.stringify([BIG]))).toEqual(parse([BIG]));
    expect(parse('')).toEqual([]);
    expect(functionsOf(parse([BIG, { name: 'eyes', models: ['detr', 'yolo'] }]))).toEqual({
      ...{ whisper: 'big', detr: 'eyes', yolo: 'eyes' },
    });
  });

  it('leaves the default function the other models', () => {
    expect(withoutFleet('iris,whisper, sentiment', parse([BIG]))).toBe('iris,sentiment');
    expect(withoutFleet('', parse([BIG]))).toBe('');
  });

  it.each([
    ['x', /"x" is no JSON, expected a list such as/],
    [{}, /\{\}, expected a list/],
    [[3], /3 is no function, expected its name, models and memory/],
    [[{ ...BIG, name: 'Big One' }], /the name "Big One", expected up to 24 small letters and digits/],
    [[{ ...BIG, name: 'infer' }], /infer is the default function/],
    [[{ ...BIG, name: 'job' }], /there is a function job already/],
    [[BIG, { ...BIG, models: ['nllb'] }], /there is a function big already/],
    [[{ name: 'big' }], /models of big is undefined, expected a list of names/],
    [[{ name: 'big', models: [] }], /models of big is \[\], expected a list of names/],
    [[{ name: 'big', models: ['a/b'] }], /models of big is \["a\/b"\], expected/],
    [[BIG, { name: 'two', models: ['whisper'] }], /whisper is in big and in two, expected one function for it/],
    [[{ name: 'big', models: ['my-model', 'my.model'] }], /my.model and my-model differ in no letter or digit/],
    [[{ ...BIG, memroy: 1 }], /big has "memroy", expected name, models, preload, requestsOnly, memory/],
    [[{ ...BIG, memory: '3 GB' }], /memory of big is "3 GB", expected a whole number from 128 to 10240/],
    [
      [{ ...BIG, reservedConcurrency: 1, provisionedConcurrency: 2 }],
      /big keeps 2 environments, of 1 that are reserved for it/,
    ],
    [[{ ...BIG, preload: 'yes' }], /preload of big is "yes", expected true or false/],
    [[{ ...BIG, requestsOnly: 1 }], /requestsOnly of big is 1, expected true or false/],
    [[{ name: 'big', models: Array.from({ length: 16 }, (_, index) => `m${index}`) }], /16 models; the routes of 15/],
  ])('refuses %j', (value, message) => {
    expect(() => parse(value)).toThrow(message);
  });

  it('knows the models that the stage serves', () => {
    expect(() => parse([BIG], 'iris')).toThrow(/big serves whisper, which the parameter models does not name: iris/);
    expect(() => parse([BIG], 'whisper')).toThrow(/no model is left to the default function infer/);
  });

  it('becomes functions with the settings of infer, and parts of their own', () => {
    const infer = {
      ...{
        name: 'service-dev-infer',
        handler: 'a.handler',
        role: 'InferRole',
        environment: { A: 'a', MODELS: '', PRELOAD_MODELS: 'whisper,iris' },
      },
      events: [{ httpApi: { method: '*', path: '/{proxy+}', authorizer: { name: 'keys' } } }, { httpApi: 'GET /' }],
    };
    const role = { Resource: { 'Fn::GetAtt': ['InferLogGroup', 'Arn'] } };
    const alarm = { Properties: { Dimensions: [{ Value: { Ref: 'InferLambdaFunction' } }], MetricName: 'Throttles' } };
    const Resources = { InferRole: role, ThrottleAlarm: alarm, DurationAlarm: alarm };
    const extensions = { InferLambdaFunction: { Properties: { VpcConfig: 'v' } }, InferLogGroup: {} };
    const service = {
      provider: { memorySize: 1_769 },
      custom: { fleet: [{ ...BIG, preload: true }], fleetModels: '' },
      functions: { infer },
      resources: { Resources, extensions, Outputs: {} },
    };
    addFleet(service);
    expect(service.functions).toMatchObject({
      infer: { ...infer, environment: { A: 'a', MODELS: '', PRELOAD_MODELS: 'iris' } },
      big: {
        ...{ handler: 'a.handler', role: 'BigRole', memorySize: 10_240 },
        environment: { A: 'a', MODELS: 'whisper', PRELOAD_MODELS: 'whisper' },
        events: expect.arrayContaining([
          { httpApi: { method: '*', path: '/models/whisper', authorizer: { name: 'keys' } } },
          { httpApi: { method: '*', path: '/v2/models/whisper/{proxy+}', authorizer: { name: 'keys' } } },
        ]),
      },
    });
    expect(Object.keys(service.functions)).toEqual(['infer', 'big']);
    expect(service.resources).toMatchObject({
      Resources: {
        BigRole: { Resource: { 'Fn::GetAtt': ['BigLogGroup', 'Arn'] } },
        BigErrorAlarm: { Properties: { Dimensions: [{ Value: { Ref: 'BigLambdaFunction' } }], MetricName: 'Errors' } },
      },
      extensions: { BigLambdaFunction: { Properties: { VpcConfig: 'v' } } },
      Outputs: { Fleet: { Value: '{"whisper":"big"}' } },
    });
  });

  it('has room made for its models where all models are served, unless they are asked by requests alone', () => {
    const roomOf = (fleet: readonly object[]) => {
      const service = {
        provider: { memorySize: 3_008 },
        custom: { fleet, fleetModels: '' },
        functions: {
          ...{ infer: {}, stream: { ephemeralStorageSize: 2_048 }, docs: { memorySize: 512 } },
          job: { memorySize: '1769', ephemeralStorageSize: '2048' },
        },
        resources: { Resources: {}, extensions: {}, Outputs: {} },
      };
      addFleet(service);
      return service.functions;
    };
    const eyes = { name: 'eyes', models: ['detr'], memory: 2_048, tmpSize: 8_192 };
    const room = { memorySize: 10_240, ephemeralStorageSize: 8_192 };
    expect(roomOf([BIG, eyes])).toMatchObject({ stream: room, job: room, docs: { memorySize: 512 } });
    expect(roomOf([{ ...BIG, requestsOnly: true }, eyes])).toMatchObject({
      stream: { memorySize: 3_008, ephemeralStorageSize: 8_192 },
      job: { memorySize: 2_048, ephemeralStorageSize: 8_192 },
      big: { memorySize: 10_240 },
    });
  });

  it('replaces no resource of the service', () => {
    const service = {
      provider: {},
      custom: { fleet: [{ ...BIG, name: 'server' }], fleetModels: '' },
      functions: { infer: {} },
      resources: { Resources: { ServerErrorAlarm: {} }, extensions: {}, Outputs: {} },
    };
    expect(() => addFleet(service)).toThrow(/the name server would replace the resource ServerErrorAlarm/);
  });
});
