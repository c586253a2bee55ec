import { type ErrorCode, ServingError } from '../../src/core/errors.ts';
import { isObject } from '../../src/core/is-object.ts';

/** A failure in one line, with its code. */
export interface Failure {
  readonly error: string;
  readonly code: ErrorCode;
}

interface AwsFailure {
  readonly code: ErrorCode;
  /** Goes before the message of the SDK. */
  readonly problem: string;
  readonly remedy: string;
}

const SIGN_IN = 'set AWS_PROFILE, or sign in with aws sso login';
const NO_CREDENTIALS: AwsFailure = { code: 'UNAUTHORIZED', problem: 'no AWS credentials', remedy: SIGN_IN };
const REFUSED: AwsFailure = { code: 'UNAUTHORIZED', problem: 'AWS refuses the credentials', remedy: SIGN_IN };
const FORBIDDEN: AwsFailure = {
  code: 'FORBIDDEN',
  problem: 'AWS forbids it to these credentials',
  remedy: 'aws sts get-caller-identity shows whose they are',
};
const UNREACHABLE: AwsFailure = {
  code: 'MODEL_UNAVAILABLE',
  problem: 'AWS cannot be reached',
  remedy: 'look at the network, and at --region',
};

/** By the name of the SDK's error, or by the code of the system's. */
const AWS_FAILURES: Readonly<Record<string, AwsFailure>> = {
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
  ExpiredToken: REFUSED,
  ExpiredTokenException: REFUSED,
  InvalidAccessKeyId: REFUSED,
  InvalidClientTokenId: REFUSED,
  InvalidToken: REFUSED,
  SignatureDoesNotMatch: REFUSED,
  UnrecognizedClientException: REFUSED,
  AccessDenied: FORBIDDEN,
  AccessDeniedException: FORBIDDEN,
  TimeoutError: UNREACHABLE,
  ECONNREFUSED: UNREACHABLE,
  ECONNRESET: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
};

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ').trim();

/** The failure of AWS that `error` is, or that caused it. */
const findAwsFailure = (error: unknown): AwsFailure | undefined => {
  if (!isObject(error)) return undefined;
  const { name, code, cause } = error;
  for (const key of [name, code])
    if (typeof key === 'string' && Object.hasOwn(AWS_FAILURES, key)) return AWS_FAILURES[key];
  return findAwsFailure(cause);
};

/** Errors of the AWS SDK name their cause in `name`. */
export const describeFailure = (failure: unknown): Failure => {
  const { code, fullMessage: message } = ServingError.from(failure);
  // A failure of this computer or of the local server has its own words.
  const aws = failure instanceof ServingError && code !== 'MODEL_UNAVAILABLE' ? undefined : findAwsFailure(failure);
  if (aws !== undefined && !(failure instanceof ServingError && aws === UNREACHABLE))
    return { error: oneLine(`${aws.problem}: ${message}; ${aws.remedy}`), code: aws.code };
  const name = failure instanceof Error && !(failure instanceof ServingError) ? failure.name : '';
  return { error: oneLine(name === '' || name === 'Error' ? message : `${name}: ${message}`), code };
};
