import { existsSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Origin } from './block-connection.ts';
import type { Signer } from './s3-signature.ts';

/** A bucket of which a few environment variables say all: where it is, and who reads it. */
export interface PlainBucket {
  readonly origin: Origin;
  /** The header `host`. */
  readonly host: string;
  /** The start of each path, which ends in a slash. */
  readonly root: string;
  readonly signer: Signer;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables by which the SDK finds another place, another signature or other credentials. */
export const OTHER_WAYS = [
  'AWS_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_CREDENTIAL_SCOPE',
  'AWS_AUTH_SCHEME_PREFERENCE',
  'AWS_SIGV4A_SIGNING_REGION_SET',
] as const;

/** Regions of the partition `aws`, as the SDK recognises them; others have endpoints of their own. */
const REGION = /^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/;
/** A name that is a label of a host, and no alias of an access point. */
const BUCKET = /^(?=.{3,63}$)(?!.*-s3alias$)[a-z0-9](-?[a-z0-9])*$/;

/** Origin and host of an endpoint without path, query and user; a bucket is a folder below an address, and a subdomain of a name. */
const placeAt = (endpoint: string, bucket: string): Omit<PlainBucket, 'signer'> | undefined => {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) return undefined;
  if (url.hostname.startsWith('[')) return undefined;
  const isFolder = isIPv4(url.hostname);
  const subdomain = isFolder ? '' : `${bucket}.`;
  const isSecure = url.protocol === 'https:';
  const port = Number(url.port) || (isSecure ? 443 : 80);
  return {
    origin: { isSecure, hostname: `${subdomain}${url.hostname}`, port },
    host: `${subdomain}${url.host}`,
    root: isFolder ? `/${bucket}/` : '/',
  };
};

const hasSharedConfig = (home: string): boolean =>
  ['config', 'credentials'].some((file) => existsSync(join(home, '.aws', file)));

/** The bucket as the SDK would reach it; undefined when something else than these variables has a say, which is the SDK's business. */
export const findPlainBucket = (
  bucket: string,
  environment: Environment = process.env,
  home = homedir(),
): PlainBucket | undefined => {
  const {
    AWS_REGION: region = '',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  } = environment;
  if (!accessKeyId || !secretAccessKey || !REGION.test(region) || !BUCKET.test(bucket)) return undefined;
  if (OTHER_WAYS.some((name) => environment[name]) || hasSharedConfig(home)) return undefined;
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_SESSION_TOKEN: sessionToken } = environment;
  const place = placeAt(AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || `https://s3.${region}.amazonaws.com`, bucket);
  return place && { ...place, signer: { region, accessKeyId, secretAccessKey, sessionToken } };
};
