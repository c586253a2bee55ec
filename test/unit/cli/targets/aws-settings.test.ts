import { expect, it } from '@jest/globals';
import { regionOf } from '../../../../cli/targets/aws-settings.ts';

it('the region of a stage is given, or that of the environment, whose empty variable is none', () => {
  expect(regionOf('eu-west-1', { AWS_REGION: 'us-west-2' })).toBe('eu-west-1');
  expect(regionOf(undefined, { AWS_REGION: 'us-west-2' })).toBe('us-west-2');
  for (const environment of [{}, { AWS_REGION: '' }]) expect(regionOf(undefined, environment)).toBe('us-east-1');
});

it.each(['', 'eu west', 'eu-west-1.', '-1', 'eu/west'])('the region "%s" is refused before AWS is asked', (region) => {
  expect(() => regionOf(region, {})).toThrow(`the region is "${region}", expected a name such as eu-west-1`);
});

it('an address of the environment that is none is refused by its name, and an empty one is none', () => {
  expect(regionOf(undefined, { AWS_ENDPOINT_URL: '', AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' })).toBe('us-east-1');
  for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'])
    for (const value of ['nonsense', 'localhost:4566'])
      expect(() => regionOf(undefined, { [name]: value })).toThrow(
        `the variable ${name} is "${value}", expected a URL`,
      );
});
