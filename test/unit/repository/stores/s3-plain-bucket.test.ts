import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findPlainBucket, OTHER_WAYS } from '../../../../src/repository/stores/s3-plain-bucket.ts';
import { createSdkRequests } from '../../../../src/repository/stores/s3-sdk-requests.ts';
import { createSignedRequests } from '../../../../src/repository/stores/s3-signed-requests.ts';
import { createS3Client } from '../../../../src/repository/stores/s3-store.ts';
import { bundleFunction } from '../../../support/bundled-function.ts';

const LAMBDA = {
  ...{ AWS_REGION: 'eu-central-1', AWS_DEFAULT_REGION: 'eu-central-1' },
  ...{ AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' },
};

const before = process.env;
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'home-'));
  process.env = { ...before, ...LAMBDA, HOME: home };
});
afterEach(async () => {
  process.env = before;
  await rm(home, { recursive: true });
});

const noSdk = () => Promise.reject(new Error('the SDK is not needed'));

type Variables = Readonly<Record<string, string>>;

describe('A plain bucket is reached where the SDK reaches it', () => {
  it.each<[string, Variables]>([
    ['models', {}],
    ['onnx-serverless-dev-models', {}],
    ['abc', { AWS_REGION: 'us-east-1' }],
    ['a'.repeat(63), { AWS_REGION: 'ap-southeast-2' }],
    ['models', { AWS_ENDPOINT_URL: 'http://127.0.0.1:9000' }],
    ['models', { AWS_ENDPOINT_URL: 'http://127.0.0.1:9000/' }],
    ['models', { AWS_ENDPOINT_URL: 'http://localhost:4566' }],
    ['models', { AWS_ENDPOINT_URL: 'https://minio.example.org' }],
    ['models', { AWS_ENDPOINT_URL: 'https://minio.example.org:9443' }],
    ['models', { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_S3: 'http://127.0.0.2:9000' }],
    ['models', { AWS_ENDPOINT_URL: 'http://127.0.0.1' }],
  ])('%s by %j', async (name, variables) => {
    Object.assign(process.env, variables);
    const plain = findPlainBucket(name);
    if (plain === undefined) throw new Error('it is not plain');
    const request = { key: "a b/ü+%20(1)!*'.json", range: [2, 5] as const, ifMatch: '"x"' };

    const ours = await createSignedRequests(plain, 1_000, noSdk).sign(request);
    const { origin, target, headers } = await createSdkRequests(createS3Client(), name).sign(request);

    expect([ours.origin, ours.target]).toEqual([origin, target.replace('?x-id=GetObject', '')]);
    for (const each of ['host', 'x-amz-security-token', 'x-amz-content-sha256', 'range'])
      expect([each, ours.headers[each]]).toEqual([each, headers[each] ?? headers[each.replace('r', 'R')]]);
    expect(ours.headers['if-match']).toBe('"x"');
  });
});

it.each(['/a', 'a//b/', './a/../b', '..', '%2F', 'a\n?x=1#f', '😀&;,:@$=', 'models/a'])(
  'A key is neither normalised nor encoded twice: %j',
  async (key) => {
    const plain = findPlainBucket('models');
    if (plain === undefined) throw new Error('it is not plain');

    const { target } = await createSignedRequests(plain, 1_000, noSdk).sign({ key });
    const bySdk = await createSdkRequests(createS3Client(), 'models').sign({ key });

    expect([target, decodeURIComponent(target)]).toEqual([bySdk.target.replace('?x-id=GetObject', ''), `/${key}`]);
  },
);

describe('A bucket is left to the SDK', () => {
  it.each([
    ...['a.b.c', 'Models', 'under_score', 'ab', '-models', 'models-', 'a--b', 'models-s3alias', 'x'.repeat(64)],
    ...['arn:aws:s3:eu-central-1:123456789012:accesspoint/models', 'models--euc1-az1--x-s3', '127.0.0.1', ''],
  ])('by its name, %s', (name) => {
    expect(findPlainBucket('models')).toBeDefined();
    expect(findPlainBucket(name)).toBeUndefined();
  });

  it.each<Variables>([
    ...['cn-north-1', 'us-gov-west-1', 'us-iso-east-1', 'eusc-de-east-1', 'aws-global', ''].map((AWS_REGION) => ({
      AWS_REGION,
    })),
    ...['https://h/path', 'https://h/?q', 'https://user:x@h', 'http://[::1]:9000', 'ftp://h', 'h:9000', 'no URL'].map(
      (AWS_ENDPOINT_URL) => ({ AWS_ENDPOINT_URL }),
    ),
    ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map((name) => ({ [name]: '' })),
    ...OTHER_WAYS.map((name) => ({ [name]: 'x' })),
  ])('by %j', (variables) => {
    Object.assign(process.env, variables);

    expect(findPlainBucket('models')).toBeUndefined();
  });

  it.each(['config', 'credentials'])('by the file %s of the home', async (file) => {
    await mkdir(join(home, '.aws'));
    await writeFile(join(home, '.aws', file), '');

    expect(findPlainBucket('models', process.env, home)).toBeUndefined();
  });
});

/** Variables that say nothing about where a bucket is, nor by whom it is read, or that are read here, too. */
const OF_NO_CONCERN = [
  ...['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  ...['AWS_SESSION_TOKEN', 'AWS_ACCOUNT_ID', 'AWS_EXECUTION_ENV', 'AWS_SDK_UA_APP_ID', 'AWS_DEFAULTS_MODE'],
  ...['AWS_MAX_ATTEMPTS', 'AWS_RETRY_MODE', 'AWS_REQUEST_CHECKSUM_CALCULATION', 'AWS_RESPONSE_CHECKSUM_VALIDATION'],
  ...['AWS_S3_DISABLE_EXPRESS_SESSION_AUTH', 'AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS', 'AWS_S3_USE_ARN_REGION'],
  ...['AWS_DISABLE_CLOCK_SKEW_CORRECTION', 'AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026'],
  'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
];
/** Names of the SDK's code that are no variables of the environment for requests to S3. */
const NO_SETTING = /^AWS_(LAMBDA_|EC2_|BACKUP_|PARTITION_SUFFIX$|BEARER_TOKEN_$|\w+_(ENV|CONFIG)$)/;

it('Every variable that the SDK of a function reads is known here', async () => {
  const { metafile } = await bundleFunction('infer');
  const files = Object.keys(metafile.inputs).filter((path) => /node_modules\/@(aws-sdk|smithy)\//.test(path));
  const sources = await Promise.all(files.filter((path) => !path.includes(':')).map((path) => readFile(path, 'utf8')));
  const names = sources.flatMap((source) => source.match(/\bAWS_[A-Z0-9_]+/g) ?? []);
  const known: readonly string[] = [...OTHER_WAYS, ...OF_NO_CONCERN];

  expect(names).toContain('AWS_USE_FIPS_ENDPOINT');
  expect([...new Set(names)].filter((name) => !known.includes(name) && !NO_SETTING.test(name))).toEqual([]);
});
