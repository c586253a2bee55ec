import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { CHUNK_ATTEMPTS, createStatesApi } from '../../../../local/aws/states-api.ts';
import { FunctionError, THROTTLED } from '../../../../local/functions/function-error.ts';
import { type Listening, listenLocally } from '../../../../local/listen-locally.ts';

const answerSchema = v.object({ executionArn: v.string(), status: v.optional(v.string()) });

let server: Listening;
afterEach(() => server.stop());

/**
 * Runs one chunk, whose attempts fail with these errors before one succeeds. Returns the errors that were told of. Expects that each attempt
 * names the same child: two that end with an element give it up.
 */
const runChunk = async (errors: readonly Error[]): Promise<{ readonly told: unknown[]; readonly attempts: number }> => {
  const told: unknown[] = [];
  const children: string[] = [];
  let attempts = 0;
  const invoke = ({ child }: { readonly child: string }): Promise<unknown> => {
    children.push(child);
    const error = errors[attempts];
    attempts += 1;
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  const api = createStatesApi({ invoke, onFailure: (error) => told.push(error) })(() => ['chunk']);
  server = await listenLocally(createServer(api), 0);
  const call = async (name: string, body: object) => {
    const headers = { 'x-amz-target': `AWSStepFunctions.${name}` };
    const response = await fetch(server.endpoint, { method: 'POST', headers, body: JSON.stringify(body) });
    return v.parse(answerSchema, await response.json());
  };
  const input = JSON.stringify({ bucket: 'data', plan: 'plan/' });
  const { executionArn } = await call('StartExecution', { input });
  while ((await call('DescribeExecution', { executionArn })).status === 'RUNNING');
  expect(new Set(children)).toEqual(new Set([executionArn]));
  return { told, attempts };
};

describe('the embedded state machine', () => {
  it('gives a chunk that finds no room as many attempts as it needs', async () => {
    const full = new FunctionError(THROTTLED, 'Rate Exceeded.');
    const errors = Array.from({ length: CHUNK_ATTEMPTS + 1 }, () => full);
    expect(await runChunk(errors)).toEqual({ told: [], attempts: CHUNK_ATTEMPTS + 2 });
  });

  it('gives up a chunk that fails at each attempt', async () => {
    const errors = Array.from({ length: CHUNK_ATTEMPTS + 1 }, () => new Error('it failed'));
    expect(await runChunk(errors)).toEqual({ told: errors.slice(1), attempts: CHUNK_ATTEMPTS });
  });
});
