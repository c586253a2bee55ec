import { describe, expect, it } from '@jest/globals';
import { describeFailure } from '../../../../cli/output/describe-failure.ts';
import { ServingError } from '../../../../src/core/errors.ts';

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

describe('a failure of a command', () => {
  it.each([
    [
      'CredentialsProviderError',
      'UNAUTHORIZED',
      'no AWS credentials: m; set AWS_PROFILE, or sign in with aws sso login',
    ],
    ['ExpiredToken', 'UNAUTHORIZED', 'AWS refuses the credentials: m; set AWS_PROFILE, or sign in with aws sso login'],
    ['AccessDenied', 'FORBIDDEN', /^AWS forbids it to these credentials: m; aws sts get-caller-identity/],
  ])('of AWS, %s, has the code %s and a remedy', (name, code, error) => {
    expect(describeFailure(named(name, 'm'))).toEqual({ code, error: expect.stringMatching(error) });
    const wrapped = new ServingError('MODEL_UNAVAILABLE', 'm', { cause: named(name, 'inner') });
    expect(describeFailure(wrapped)).toMatchObject({ code });
  });

  it('of the network is no fault of the program', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

    expect(describeFailure(refused)).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it('of the project keeps its own words, on one line', () => {
    const failure = new ServingError('NOT_FOUND', 'no\n  model', {
      cause: named('AccessDenied', 'x'),
      operator: 'push one',
    });

    expect(describeFailure(failure)).toEqual({ code: 'NOT_FOUND', error: 'no model; push one' });
  });

  it('that nobody expects is INTERNAL, with its kind', () => {
    expect(describeFailure(new TypeError('x'))).toEqual({ code: 'INTERNAL', error: 'TypeError: x' });
  });
});
