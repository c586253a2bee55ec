import { isObject } from '../core/is-object.ts';
import { DEFAULT_FUNCTION, type FleetFunction, parseFleet, withoutFleet } from './fleet.ts';

type Fields = Record<string, unknown>;

/** A serverless.yml whose variables are resolved: what is read and added to here. */
export interface FleetService {
  readonly provider: object;
  readonly custom: { readonly fleet: unknown; readonly fleetModels: unknown };
  readonly functions: Record<string, unknown>;
  readonly resources: { readonly Resources: Fields; readonly extensions: Fields; readonly Outputs: Fields };
}

/** The paths that name a model. API Gateway prefers them to the catch-all. */
const pathsOf = (model: string): string[] => [
  `/models/${model}`,
  `/models/${model}/{proxy+}`,
  `/v1/models/${model}`,
  `/v1/models/${model}/{proxy+}`,
  `/v1/models/${model}:predict`,
  `/v2/models/${model}`,
  `/v2/models/${model}/{proxy+}`,
  `/v2/repository/models/${model}/{proxy+}`,
];
const CATCH_ALL = '/{proxy+}';

const fieldsOf = (value: unknown): Fields => (isObject(value) ? { ...value } : {});

/** A copy in which the parts of `infer` are those of `name`. */
const renamed = (value: unknown, prefix: string): unknown => {
  if (typeof value === 'string') return value.replace(/\bInfer(LambdaFunction|LogGroup|Role)\b/g, `${prefix}$1`);
  if (Array.isArray(value)) return value.map((each) => renamed(each, prefix));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, renamed(each, prefix)]));
};

const eventsOf = (events: unknown, models: readonly string[]): unknown[] =>
  (Array.isArray(events) ? events : []).flatMap((event) => {
    const route = isObject(event) ? fieldsOf(event.httpApi) : {};
    if (route.path !== CATCH_ALL) return [];
    return models.flatMap(pathsOf).map((path) => ({ httpApi: { ...route, path } }));
  });

const toFunction = (infer: unknown, { models, ...own }: FleetFunction, prefix: string): Fields => {
  const { name: _nameOfInfer, ...settings } = fieldsOf(infer);
  const list = models.join(',');
  return {
    ...settings,
    description: `Answers prediction requests for ${list}`.slice(0, 256),
    role: `${prefix}Role`,
    ...(own.memory !== undefined && { memorySize: own.memory }),
    ...(own.tmpSize !== undefined && { ephemeralStorageSize: own.tmpSize }),
    provisionedConcurrency: own.provisionedConcurrency ?? 0,
    reservedConcurrency: own.reservedConcurrency ?? null,
    environment: { ...fieldsOf(settings.environment), MODELS: list, PRELOAD_MODELS: own.preload ? list : '' },
    events: eventsOf(settings.events, models),
  };
};

const toResources = ({ InferRole, ThrottleAlarm, DurationAlarm }: Fields, prefix: string): Fields => {
  const throttle = fieldsOf(renamed(ThrottleAlarm, prefix));
  return {
    [`${prefix}Role`]: renamed(InferRole, prefix),
    [`${prefix}ThrottleAlarm`]: throttle,
    [`${prefix}DurationAlarm`]: renamed(DurationAlarm, prefix),
    [`${prefix}ErrorAlarm`]: {
      ...throttle,
      Properties: {
        ...fieldsOf(throttle.Properties),
        AlarmDescription: 'The function ended without an answer: crash, time-out, lack of memory.',
        ...{ MetricName: 'Errors', Period: 300, Threshold: 3, ComparisonOperator: 'GreaterThanOrEqualToThreshold' },
      },
    },
  };
};

/** Functions that serve all models, those of the fleet, too. */
const SHARED = ['stream', 'on-upload', 'job', 'bulk'];

/** Gives the functions that serve all models at least the memory and the /tmp of each function of the fleet. */
const makeRoom = ({ provider, functions }: FleetService, fleet: readonly FleetFunction[]): void => {
  const large = fleet.filter(({ requestsOnly }) => !requestsOnly);
  for (const name of SHARED) {
    const settings = fieldsOf(functions[name]);
    const memorySize = Math.max(
      Number(settings.memorySize ?? fieldsOf(provider).memorySize),
      ...large.map((each) => each.memory ?? 0),
    );
    const ephemeralStorageSize = Math.max(
      Number(settings.ephemeralStorageSize),
      ...large.map((each) => each.tmpSize ?? 0),
    );
    if (name in functions) functions[name] = { ...settings, memorySize, ephemeralStorageSize };
  }
};

/** The function of each model that the default one does not serve. */
export const functionsOf = (fleet: readonly FleetFunction[]): Readonly<Record<string, string>> =>
  Object.fromEntries(fleet.flatMap(({ name, models }) => models.map((model) => [model, name])));

/**
 * Adds the functions of the parameter `fleet` to a service, each with its role, log, alarms and routes, as `infer` has them. Functions that
 * serve all models get room for theirs.
 * @throws Error that says what is wrong with the parameter
 */
export const addFleet = (service: FleetService): readonly FleetFunction[] => {
  const { custom, functions, resources } = service;
  const fleet = parseFleet(custom.fleet, custom.fleetModels, Object.keys(functions));
  if (fleet.length === 0) return fleet;
  const infer = functions[DEFAULT_FUNCTION];
  for (const each of fleet) {
    const prefix = each.name.charAt(0).toUpperCase() + each.name.slice(1);
    functions[each.name] = toFunction(infer, each, prefix);
    const parts = toResources(resources.Resources, prefix);
    const taken = Object.keys(parts).find((id) => Object.hasOwn(resources.Resources, id));
    if (taken !== undefined)
      throw new Error(`the parameter fleet: the name ${each.name} would replace the resource ${taken}; choose another`);
    Object.assign(resources.Resources, parts);
    for (const part of ['LambdaFunction', 'LogGroup'])
      resources.extensions[prefix + part] = renamed(resources.extensions[`Infer${part}`], prefix);
  }
  makeRoom(service, fleet);
  const served = functionsOf(fleet);
  const settings = fieldsOf(infer);
  const environment = fieldsOf(settings.environment);
  functions[DEFAULT_FUNCTION] = {
    ...settings,
    environment: {
      ...environment,
      MODELS: withoutFleet(custom.fleetModels, fleet),
      PRELOAD_MODELS: withoutFleet(environment.PRELOAD_MODELS, fleet),
      FLEET: JSON.stringify(served),
    },
  };
  resources.Outputs.Fleet = {
    Description: 'The functions of models that infer does not serve',
    Value: JSON.stringify(served),
  };
  return fleet;
};
