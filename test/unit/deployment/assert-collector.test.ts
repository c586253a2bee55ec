import { expect, it } from '@jest/globals';
import { assertCollector } from '../../../src/deployment/assert-collector.ts';

const otlpEndpoint = 'https://otlp.example.org:4318';

it('no collector needs nothing', () => {
  expect(assertCollector({ otlpEndpoint: '', otlpHeaders: '' })).toBe(false);
  expect(assertCollector(undefined)).toBe(false);
});

it.each([
  '',
  'api-key=abc',
  'a=b,c=d%20e',
  'authorization=Basic eA==',
  '{{resolve:secretsmanager:otlp:SecretString:headers}}',
])('a collector takes the headers "%s"', (otlpHeaders) => {
  expect(assertCollector({ otlpEndpoint, otlpHeaders })).toBe(true);
});

it.each(['otlp.example.org:4318', 'grpc://otlp.example.org', 'localhost', '/v1/traces', 7])(
  'the address %s is refused',
  (wrong) => {
    expect(() => assertCollector({ otlpEndpoint: wrong, otlpHeaders: '' })).toThrow('the parameter otlpEndpoint is ');
  },
);

it('headers without a collector are refused, and those that are none, without being quoted', () => {
  expect(() => assertCollector({ otlpEndpoint: '', otlpHeaders: 'a=b' })).toThrow('the parameter otlpEndpoint is ""');
  for (const otlpHeaders of ['secret', 'a=b,secret', '=secret'])
    expect(() => assertCollector({ otlpEndpoint, otlpHeaders })).toThrow(/^the parameter otlpHeaders has no pairs/);
});
