import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import {
  encodeKey,
  type PlainRequest,
  type Signer,
  signHeaders,
} from '../../../../src/repository/stores/s3-signature.ts';

/** The examples of AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
const EXAMPLE: Signer = {
  region: 'us-east-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

it('A range of an object is signed as in the example of AWS', () => {
  const headers = { host: 'examplebucket.s3.amazonaws.com', range: 'bytes=0-9' };

  const signed = signHeaders({ method: 'GET', path: '/test.txt', headers }, EXAMPLE, new Date('2013-05-24T00:00:00Z'));

  expect(signed).toEqual({
    ...headers,
    'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'x-amz-date': '20130524T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  });
});

const bytesOf = (data: ArrayBuffer | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);

/** Node's hashes, for the library by which the SDK signs. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) this.#hash = createHash('sha256');
    else this.#hash = createHmac('sha256', typeof secret === 'string' ? secret : bytesOf(secret));
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    throw new Error('nobody resets a hash here');
  }
}

const signByLibrary = async ({ method, path, headers }: PlainRequest, signer: Signer, signingDate: Date) => {
  const { region, accessKeyId, secretAccessKey, sessionToken } = signer;
  const library = new SignatureV4({
    ...{ service: 's3', region, uriEscapePath: false, sha256: Sha256 },
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
  });
  const request = {
    method,
    protocol: 'https:',
    hostname: headers.host ?? '',
    path,
    query: {},
    headers: { ...headers },
  };
  return (await library.sign(request, { signingDate })).headers;
};

describe('What the library of the SDK signs', () => {
  const header = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '"', '-', '=', ' ', '/', '+') });
  const time = fc.date({ min: new Date('2001-01-01'), max: new Date('2099-01-01'), noInvalidDate: true });
  const signer = fc.record({
    region: fc.constantFrom('us-east-1', 'eu-central-1', 'ap-southeast-2'),
    accessKeyId: fc.stringMatching(/^[A-Z0-9]{16,20}$/),
    secretAccessKey: fc.stringMatching(/^[A-Za-z0-9/+]{40}$/),
    sessionToken: fc.option(fc.stringMatching(/^[A-Za-z0-9/+=]{1,400}$/), { nil: undefined }),
  });

  it('is signed equally', () =>
    fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 1 }).filter((key) => key.isWellFormed()),
        fc.record({ range: header, 'if-match': header, 'if-none-match': header }, { requiredKeys: [] }),
        fc.constantFrom<PlainRequest['method']>('GET', 'HEAD'),
        signer,
        time,
        async (key, conditions, method, by, date) => {
          const headers = { host: 'bucket.s3.eu-central-1.amazonaws.com', ...conditions };
          const request = { method, path: `/${encodeKey(key)}`, headers };

          expect(signHeaders(request, by, date)).toEqual(await signByLibrary(request, by, date));
        },
      ),
    ));
});
