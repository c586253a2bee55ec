import { expect, it } from '@jest/globals';
import { assertTokens } from '../../../src/deployment/assert-tokens.ts';

const WHOLE = { auth: 'key_or_jwt', jwtIssuer: 'https://issuer.example.org/', jwtAudience: 'models' };

it('a stage that takes tokens names their issuer and their audience', () => {
  for (const auth of ['jwt', 'key_or_jwt']) {
    expect(() => assertTokens({ ...WHOLE, auth })).not.toThrow();
    for (const jwtIssuer of ['', 'issuer.example.org', 'mailto:issuer', 'localhost:8080'])
      expect(() => assertTokens({ ...WHOLE, auth, jwtIssuer })).toThrow(`the parameter jwtIssuer is "${jwtIssuer}"`);
    expect(() => assertTokens({ ...WHOLE, auth, jwtAudience: '' })).toThrow('the parameter jwtAudience is ""');
  }
});

it.each(['aws_iam', 'key', 'none'])('a stage with auth=%s needs neither', (auth) => {
  expect(() => assertTokens({ auth, jwtIssuer: '', jwtAudience: '' })).not.toThrow();
});
