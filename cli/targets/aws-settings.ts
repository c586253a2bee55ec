import { DEFAULT_REGION } from '../../src/core/aws-defaults.ts';
import { ServingError } from '../../src/core/errors.ts';
import { show } from '../../src/core/show.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const refuse = (problem: string): never => {
  throw new ServingError('INVALID_REQUEST', problem);
};

/**
 * The region of a stage: `given`, or that of the environment.
 * @throws `INVALID_REQUEST` for a region, or an address of the environment, with which the AWS SDK would fail in words of its own
 */
export const regionOf = (given: string | undefined, environment: Environment = process.env): string => {
  for (const [name, value] of Object.entries(environment))
    if (name.startsWith('AWS_ENDPOINT_URL') && value && !/^https?:$/.test(URL.parse(value)?.protocol ?? ''))
      refuse(`the variable ${name} is ${show(value)}, expected a URL such as https://s3.example.org`);
  const region = given ?? (environment.AWS_REGION || DEFAULT_REGION);
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(region)) return region;
  return refuse(`the region is ${show(region)}, expected a name such as eu-west-1, as --region or AWS_REGION`);
};
