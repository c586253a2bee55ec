import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { assertParameters } from '../../../src/deployment/assert-parameters.ts';

const { params } = load(await readFile('serverless.yml', 'utf8')) as { params: { default: Record<string, unknown> } };
const DEFAULTS = { ...params.default, region: 'us-east-1', embedModels: '' };
const assert = (changes: Readonly<Record<string, unknown>>): void =>
  assertParameters({ ...DEFAULTS, ...changes }, [...Object.keys(DEFAULTS), ...Object.keys(changes)]);

const toPem = (type: 'ed25519' | 'x25519'): string =>
  (type === 'ed25519' ? generateKeyPairSync(type) : generateKeyPairSync(type)).publicKey
    .export({ type: 'spki', format: 'pem' })
    .toString()
    .replaceAll('\n', '');
const LONG_LABEL = 'a'.repeat(64);
const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/k';
const CERTIFICATE = 'arn:aws:acm:us-east-1:123456789012:certificate/a';
const BOUNDARY = 'arn:aws:iam::123456789012:policy/boundary';
const NUMBERS = ['', ' 1', '-1', '1e3', '0x10', 'NaN', 'Infinity', '1,5', '٣', true, [], {}];
const WHOLE = [...NUMBERS, '1.5', 1.5];
const SWITCHES = ['', 'On', 'true', true, 'on,off', 'constructor', '__proto__'];
const NAMES = ['a b', '.a', 'a/b', 'ä', 'a'.repeat(101), 'a;b', {}];

it.each<[name: string, right: readonly unknown[], wrong: readonly unknown[]]>([
  ['region', ['eu-central-1', 'us-gov-west-1', 'ap-southeast-5'], ['', 'Europe', 'us-east', 'us_east_1', 'US-EAST-1']],
  ['architecture', ['x86_64', 'arm64'], ['', 'x86', 'ARM64', 'amd64']],
  ['memory', ['128', 10_240, '1769'], [...WHOLE, '127', 10_241, 0]],
  ['jobMemory', ['128', '10240'], [...WHOLE, '127', '10241']],
  ['tmpSize', ['512', '10240'], [...WHOLE, '511', '10241']],
  ['models', ['', 'a', 'a, b.c_d-e,', 7, 'a'.repeat(100)], NAMES],
  ['preloadModels', ['', 'a,b'], NAMES],
  ['embedModels', ['', 'a,b'], NAMES],
  ['jobModels', ['', 'a,b'], NAMES],
  ['modelMemoryShare', ['0.01', '1', 0.6, '.5', '1.0'], [...NUMBERS, '0', '0.0', '1.01', '60']],
  ['modelTmpShare', ['0.01', 1], [...NUMBERS, '0', '2']],
  [
    'trustedKeys',
    ['', toPem('ed25519') + toPem('ed25519')],
    ['x', toPem('x25519'), '-----BEGIN PUBLIC KEY-----', `${toPem('ed25519')}x`],
  ],
  [
    'withdrawn',
    ['', 'iris/3', 'iris/3, a.b/12'],
    ['iris', 'iris/0', 'iris/', '/3', 'iris/next', 'a/b/3', 'iris/3;iris/4'],
  ],
  ['routingTtl', ['0', 30, '0.5', '86400'], NUMBERS],
  ['embedRouting', ['deployed', 'strict'], ['', 'Strict', 'none']],
  ['provisionedConcurrency', [0, '10000'], [...WHOLE, '10001']],
  ['reservedConcurrency', ['0', '100000'], [...WHOLE, '100001']],
  ['streamConcurrency', ['0', '100000'], [...WHOLE, '100001']],
  ['bulkConcurrency', ['0', '100000'], [...WHOLE, '100001']],
  ['uploadConcurrency', ['2', '1000'], [...WHOLE, '0', '1', '1001']],
  ['jobConcurrency', ['2', '1000'], [...WHOLE, '0', '1', '1001']],
  ['auth', ['aws_iam', 'key', 'none'], ['', 'iam', 'None', 'constructor']],
  ['requestsPerSecond', ['0', '0.5', 50], NUMBERS],
  ['requestBurst', ['0', 50], [...WHOLE, '2147483648']],
  ['maxMonthlyDollars', ['0', 0, '25.5', '0.50'], [...NUMBERS, '$5', '0.0', '00', '.0']],
  ['docs', ['on', 'off'], SWITCHES],
  ['cors', ['off'], SWITCHES],
  [
    'corsOrigins',
    ['', '*', 'https://a.example,http://localhost:3000', 'chrome-extension://abc'],
    ['a.example', 'https://a.example/', 'https://a.example, https://b.example', 'https://a.example,', 'null,'],
  ],
  ['references', ['model', 'all'], ['', 'none', 'Model']],
  ['clients', ['python', 'javascript'], ['', 'ruby']],
  ['uploadAttempts', ['1', '1000'], [...WHOLE, '0', '1001']],
  ['jobBodyBytes', ['0', '10000000'], WHOLE],
  [
    'webhookHosts',
    ['', 'ci.internal:8080, localhost', '10.0.0.1', '[::1]:8080'],
    ['http://ci.internal', 'ci.internal/x', 'a b', '::1'],
  ],
  ['dataRetentionDays', ['1', '36500'], [...WHOLE, '0', '2147483648']],
  ['captureRetentionDays', ['1', '30'], [...WHOLE, '0']],
  [
    'monitorRate',
    ['rate(1 minute)', 'rate(2 hours)', 'rate(10 days)', 'cron(0 12 * * ? *)'],
    ['', '1 hour', 'rate(1 hours)', 'rate(2 hour)', 'rate(0 hours)', 'rate(1 week)', 'cron(0 12 * *)', 'hourly'],
  ],
  ['tracing', ['on', 'off'], SWITCHES],
  ['accessLogs', ['on', 'off'], SWITCHES],
  ['dashboard', ['on', 'off'], SWITCHES],
  [
    'domain',
    [''],
    [
      'models.123',
      'models',
      'https://models.example.org',
      'models.example.org/',
      '-a.example.org',
      `${LONG_LABEL}.org`,
      'a..org',
      'mödels.org',
    ],
  ],
  ['certificate', ['', CERTIFICATE, { Ref: 'Certificate' }], ['x', KEY, { Ref: 'a', other: 1 }]],
  ['alarmEmail', ['', 'me@example.org'], ['me', 'a b@example.org', 'a@b@c', '@']],
  ['accuracyBelow', ['0', '0.9', 1], [...NUMBERS, '1.01', '90']],
  ['tags', ['', 'team=vision', 7], [[], { team: 'vision' }, true]],
  [
    'rolePath',
    ['/', '/services/', '/a/b/'],
    ['', 'services', '/services', 'services/', '/a b/', `/${'a'.repeat(511)}/`],
  ],
  [
    'permissionsBoundary',
    [BOUNDARY, { 'Fn::ImportValue': 'x' }, 'arn:aws-cn:iam::aws:policy/x'],
    ['', 'boundary', KEY],
  ],
  ['network', ['public'], ['', 'VPC', 'private']],
  [
    'subnets',
    ['', 'subnet-1,subnet-2', '{{resolve:ssm:subnets}}'],
    ['subnet-1, subnet-2', 'subnet-1,', 'sg-1', 'vpc', ['subnet-1']],
  ],
  ['securityGroups', ['', 'sg-1,sg-2'], ['sg-1;sg-2', 'subnet-1', ' sg-1']],
  ['encryption', ['aws'], ['', 'kms', 'none', 'Customer']],
  [
    'kmsKey',
    ['', KEY, { 'Fn::GetAtt': ['Key', 'Arn'] }],
    ['k', 'alias/k', 'arn:aws:kms:eu-west-1:123456789012:alias/k', CERTIFICATE],
  ],
])(
  'the parameter %s takes what AWS takes, and is named with what came when it is something else',
  (name, right, wrong) => {
    for (const value of right) expect(() => assert({ [name]: value })).not.toThrow();
    for (const value of wrong) {
      const shown = JSON.stringify(value).slice(0, 40);
      expect(() => assert({ [name]: value })).toThrow(new RegExp(`^the parameter ${name} is `));
      expect(() => assert({ [name]: value })).toThrow(shown);
      expect(() => assert({ [name]: value })).toThrow(/, expected \S/);
    }
  },
);

it.each([
  [
    { network: 'vpc', subnets: 'subnet-1' },
    'the parameter securityGroups is "", expected with network=vpc security groups',
  ],
  [
    { network: 'vpc', securityGroups: 'sg-1' },
    'the parameter subnets is "", expected with network=vpc subnets such as',
  ],
  [{ encryption: 'customer' }, 'the parameter kmsKey is "", expected with encryption=customer arn:aws:kms:'],
  [{ cors: 'on' }, 'the parameter corsOrigins is "", expected with cors=on origins such as https://example.org'],
  [
    { domain: 'models.example.org' },
    'the parameter certificate is "", expected with domain=models.example.org arn:aws:acm:',
  ],
  [{ auth: 'jwt' }, 'the parameter jwtIssuer is "", expected with auth=jwt'],
])('a stage with %j is refused', (parameters, message) => {
  expect(() => assert(parameters)).toThrow(message);
});

it.each(['models.example.org', 'models.xn--p1ai'])('the domain may be %s, with its certificate', (domain) => {
  expect(() => assert({ domain, certificate: CERTIFICATE })).not.toThrow();
});
