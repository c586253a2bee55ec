import { changesByItself, parseCapacity, toScalingResources } from '../src/deployment/capacity.ts';

interface Serverless {
  readonly service: {
    readonly custom: { readonly capacity: unknown };
    readonly provider: { readonly compiledCloudFormationTemplate: { readonly Resources: Record<string, unknown> } };
    readonly functions: Readonly<Record<string, { provisionedConcurrency?: unknown }>>;
  };
}

/** The function that answers requests, and the names that osls gives to its parts. */
const SCALED = { name: 'infer', functionId: 'InferLambdaFunction', aliasId: 'InferProvConcLambdaAlias' };

interface Alias {
  readonly Properties: Record<string, unknown>;
}

const isAlias = (value: unknown): value is Alias =>
  typeof value === 'object' && value !== null && 'Properties' in value;

/** Reads the parameters of capacity, and asks osls for the alias that is scaled. @throws Error that names a wrong parameter */
export const prepareScaling = ({ service }: Serverless): void => {
  const settings = service.functions[SCALED.name];
  if (changesByItself(parseCapacity(service.custom.capacity)) && settings !== undefined)
    settings.provisionedConcurrency = 1; // osls makes no alias for 0
};

/** Adds the resources that scale. The number of environments is theirs alone: a deployment would set one in the alias back. */
export const addScaling = ({ service }: Serverless): void => {
  const capacity = parseCapacity(service.custom.capacity);
  if (!changesByItself(capacity)) return;
  const { Resources } = service.provider.compiledCloudFormationTemplate;
  const alias = Resources[SCALED.aliasId];
  if (!isAlias(alias)) throw new Error('This osls names aliases in another way: update layers/scaling.ts.');
  delete alias.Properties.ProvisionedConcurrencyConfig;
  Object.assign(Resources, toScalingResources(capacity, SCALED));
};
