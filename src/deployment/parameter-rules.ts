import { isObject } from '../core/is-object.ts';
import { parseTrustedKeys } from '../core/trusted-keys.ts';
import { BOUNDS } from './capacity.ts';
import { MODEL_NAME } from './fleet.ts';

/** The values that a stage parameter may have. */
interface Rule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

/** Parameters on the command line are text, and those of the file may be numbers. */
const toText = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

const rule = (expected: string, accepts: (text: string) => boolean): Rule => ({
  expected,
  accepts: (value) => {
    const text = toText(value);
    return text !== undefined && accepts(text);
  },
});

const oneOf = (...values: readonly string[]): Rule => rule(values.join(' or '), (text) => values.includes(text));

const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Rule =>
  rule(
    most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`,
    (text) => /^\d{1,16}$/.test(text) && Number(text) >= least && Number(text) <= most,
  );

const number = (expected: string, accepts: (value: number) => boolean): Rule =>
  rule(expected, (text) => /^(\d+(\.\d+)?|\.\d+)$/.test(text) && accepts(Number(text)));

/** A number that conditions of the template compare with the text `0`: another zero, such as `0.0`, would make an alarm that never rises. */
const numberOrNone = (what: string, most = Number.POSITIVE_INFINITY): Rule => {
  const { expected, accepts } = number(
    `${what}, or 0 without decimals for none`,
    (value) => value > 0 && value <= most,
  );
  return { expected, accepts: (value) => toText(value) === '0' || accepts(value) };
};

const matching = (pattern: RegExp, expected: string): Rule => rule(expected, (text) => pattern.test(text));

/** A list as functions read it: with spaces around its names, and without those that are empty. */
const names = (pattern: RegExp, expected: string): Rule =>
  rule(`${expected}, separated by commas`, (text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .every((name) => name === '' || pattern.test(name)),
  );

/** A list as CloudFormation splits it, which keeps spaces and empty parts; empty for none. */
const list = (pattern: RegExp, expected: string): Rule =>
  rule(
    `${expected}, separated by commas without spaces`,
    (text) => text === '' || text.split(',').every((part) => pattern.test(part)),
  );

/** A function of CloudFormation, or a reference that it resolves, can have any value. */
const resolvable = ({ expected, accepts }: Rule): Rule => ({
  expected,
  accepts: (value) =>
    (isObject(value) && Object.keys(value).length === 1 && /^(Ref|Fn::\w+)$/.test(Object.keys(value)[0] ?? '')) ||
    (typeof value === 'string' && /\{\{resolve:.+\}\}/.test(value)) ||
    accepts(value),
});

const isKeys = (text: string): boolean => {
  try {
    parseTrustedKeys(text);
    return true;
  } catch {
    return false;
  }
};

const SWITCH = oneOf('on', 'off');
const TEXT = rule('text', () => true);
const DAYS = whole(1, 2_147_483_647);
const MEMORY = whole(128, 10_240);
const SHARE = number('a share above 0 and up to 1', (value) => value > 0 && value <= 1);
const MODELS = names(MODEL_NAME, 'names of models');
const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
/** The last label is no number; one that is not of ASCII, such as `xn--p1ai`, has digits and hyphens. */
const HOST = `(?=.{1,253}$)(${LABEL}\\.)+(?!\\d+$)${LABEL}`;

/** Stage parameters whose value is looked at alone. Others have a reader of their own. */
export const PARAMETER_RULES: Readonly<Record<string, Rule>> = {
  region: matching(/^[a-z]{2,}(-[a-z]+)+-\d+$/, 'the name of a region such as eu-west-1'),
  architecture: oneOf('x86_64', 'arm64'),
  memory: MEMORY,
  jobMemory: MEMORY,
  tmpSize: whole(512, 10_240),
  models: MODELS,
  preloadModels: MODELS,
  embedModels: MODELS,
  jobModels: MODELS,
  modelMemoryShare: SHARE,
  modelTmpShare: SHARE,
  trustedKeys: rule('Ed25519 public keys as PEM, one after the other', isKeys),
  withdrawn: names(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\/[1-9][0-9]{0,8}$/, 'versions such as iris/3'),
  routingTtl: number('seconds from 0', () => true),
  embedRouting: oneOf('deployed', 'strict'),
  provisionedConcurrency: whole(...BOUNDS.provisionedConcurrency),
  reservedConcurrency: whole(...BOUNDS.reservedConcurrency),
  streamConcurrency: whole(...BOUNDS.reservedConcurrency),
  bulkConcurrency: whole(...BOUNDS.bulkConcurrency),
  uploadConcurrency: whole(...BOUNDS.uploadConcurrency),
  jobConcurrency: whole(...BOUNDS.jobConcurrency),
  auth: oneOf('aws_iam', 'key', 'jwt', 'key_or_jwt', 'none'),
  jwtAudience: TEXT,
  jwtScopePrefix: TEXT,
  requestsPerSecond: number('requests from 0', () => true),
  requestBurst: whole(0, 2_147_483_647),
  maxMonthlyDollars: numberOrNone('dollars such as 25.5'),
  docs: SWITCH,
  cors: SWITCH,
  corsOrigins: list(
    /^(\*|[a-z][a-z0-9+.-]*:\/\/[^\s/?#,]+)$/,
    'origins such as https://example.org, which end without a slash',
  ),
  references: oneOf('model', 'all'),
  clients: oneOf('python', 'javascript'),
  uploadAttempts: whole(1, 1000),
  jobBodyBytes: whole(0),
  webhookHosts: names(/^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/, 'hosts such as ci.internal:8080'),
  dataRetentionDays: DAYS,
  captureRetentionDays: DAYS,
  monitorRate: matching(
    /^(rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)|cron\(\S+( \S+){5}\))$/,
    'rate(1 hour), rate(2 hours), or cron(…) with six fields',
  ),
  tracing: SWITCH,
  accessLogs: SWITCH,
  dashboard: SWITCH,
  domain: matching(new RegExp(`^$|^${HOST}$`), 'the name of a domain such as models.example.org'),
  certificate: resolvable(
    matching(/^$|^arn:[\w-]+:acm:[\w-]+:\d{12}:certificate\/.+$/, 'arn:aws:acm:<region>:<account>:certificate/…'),
  ),
  alarmEmail: matching(/^$|^[^\s@]+@[^\s@]+$/, 'an address such as me@example.org'),
  accuracyBelow: numberOrNone('a share up to 1', 1),
  tags: TEXT,
  rolePath: resolvable(matching(/^\/([\x21-\x7e]{1,510}\/)?$/, 'a path such as /services/')),
  permissionsBoundary: resolvable(
    matching(/^arn:[\w-]+:iam::(\d{12}|aws):policy\/.+$/, 'arn:aws:iam::<account>:policy/…'),
  ),
  network: oneOf('public', 'vpc'),
  subnets: resolvable(list(/^subnet-[a-z0-9]+$/, 'subnets such as subnet-1')),
  securityGroups: resolvable(list(/^sg-[a-z0-9]+$/, 'security groups such as sg-1')),
  encryption: oneOf('aws', 'customer'),
  kmsKey: resolvable(matching(/^$|^arn:aws[a-z-]*:kms:[\w-]+:\d{12}:key\/.+$/, 'arn:aws:kms:<region>:<account>:key/…')),
};
