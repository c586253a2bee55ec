import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { createParameterCheck } from '../../../layers/parameters.ts';

const FILE = await readFile('serverless.yml', 'utf8');

/** Checks serverless.yml with these arguments, and with this block of the stage `prod`. */
const check = (param: readonly string[] | undefined, block: unknown = {}, stage?: string): void => {
  const file = load(FILE) as { params: Record<string, unknown> };
  file.params.prod = block;
  createParameterCheck({ processedInput: { options: { param, stage } }, configurationInput: file })();
};

describe('the check of the stage parameters', () => {
  it('lets the defaults pass, and parameters without a default', () => {
    expect(() => check(undefined)).not.toThrow();
    expect(() => check(['streamConcurrency=5', 'bulkConcurrency=20', 'reservedConcurrency=20'])).not.toThrow();
  });

  it('reads the block of the stage alone, whose null is no value, and arguments before it', () => {
    const block = { memory: 64, tracing: null, permissionsBoundary: { 'Fn::ImportValue': 'boundary' } };
    expect(() => check(undefined, block)).not.toThrow();
    expect(() => check(undefined, block, 'prod')).toThrow(
      'the parameter memory is 64, expected a whole number from 128 to 10240',
    );
    expect(() => check(['memory=128 '], block, 'prod')).not.toThrow();
  });

  it('refuses a name that serverless.yml does not know, on the command line and in a block', () => {
    expect(() => check(['memroy=3008'])).toThrow(/^there is no parameter memroy\. There are: accessLogs, .*, memory, /);
    expect(() => check(undefined, { Memory: 1 }, 'prod')).toThrow('there is no parameter Memory.');
  });

  it('waits for a value that is a variable', () => {
    expect(() =>
      check(undefined, { memory: `\${ssm:/memory}`, auth: 'jwt', jwtIssuer: `\${ssm:/issuer}` }, 'prod'),
    ).not.toThrow();
  });
});
