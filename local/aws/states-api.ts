import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { DEFAULT_REGION, LOCAL_ACCOUNT } from '../../src/core/aws-defaults.ts';
import { FunctionError, THROTTLED } from '../functions/function-error.ts';
import { AwsError } from './aws-error.ts';

const TARGET = 'AWSStepFunctions.';
/** Attempts at a chunk, as many as the state machine of serverless.yml makes. */
export const CHUNK_ATTEMPTS = 12;
/** Pause before a chunk that found no room is tried again. */
const PAUSE_MS = 100;

/** The keys of a bucket below a prefix, ascending. */
export type ListKeys = (bucket: string, prefix: string) => readonly string[];
export type StatesApi = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface StatesOptions {
  /** Invokes the function of a chunk for a child, here the whole execution. */
  readonly invoke: (event: { readonly key: string; readonly child: string }) => Promise<unknown>;
  /** Told of a chunk whose function failed. */
  readonly onFailure: (error: unknown) => void;
}

export const isStatesRequest = (request: IncomingMessage): boolean =>
  String(request.headers['x-amz-target'] ?? '').startsWith(TARGET);

const inputSchema = v.object({ bucket: v.string(), plan: v.string() });

interface Execution {
  readonly arn: string;
  status: 'RUNNING' | 'SUCCEEDED' | 'ABORTED';
  readonly startDate: number;
}

const runChunk = async ({ invoke, onFailure }: StatesOptions, execution: Execution, key: string): Promise<void> => {
  for (let attempt = 1; attempt <= CHUNK_ATTEMPTS && execution.status === 'RUNNING'; )
    try {
      await invoke({ key, child: execution.arn });
      return;
    } catch (error) {
      if (error instanceof FunctionError && error.name === THROTTLED) {
        await sleep(PAUSE_MS, undefined, { ref: false }); // it waits for room, and loses no attempt
        continue;
      }
      attempt += 1;
      onFailure(error);
    }
};

/** The one state machine of serverless.yml, which hands the chunks of a run to a function: here, one after the other. */
export const createStatesApi =
  (options: StatesOptions) =>
  (listKeys: ListKeys): StatesApi => {
    const executions = new Map<string, Execution>();

    const run = async (execution: Execution, keys: readonly string[]): Promise<void> => {
      for (const key of keys) if (execution.status === 'RUNNING') await runChunk(options, execution, key);
      if (execution.status === 'RUNNING') execution.status = 'SUCCEEDED';
    };
    const find = (arn: unknown): Execution => {
      const found = executions.get(String(arn));
      if (found) return found;
      throw new AwsError('ExecutionDoesNotExist', 400, `Execution Does Not Exist: '${arn}'`);
    };

    const actions: Readonly<Record<string, (parameters: Readonly<Record<string, unknown>>) => unknown>> = {
      StartExecution: ({ input }) => {
        const { bucket, plan } = v.parse(inputSchema, JSON.parse(String(input)));
        const arn = `arn:aws:states:${DEFAULT_REGION}:${LOCAL_ACCOUNT}:execution:bulk:${randomUUID()}`;
        const execution: Execution = { arn, status: 'RUNNING', startDate: Date.now() / 1000 };
        executions.set(arn, execution);
        run(execution, listKeys(bucket, plan)).catch(options.onFailure);
        return { executionArn: arn, startDate: execution.startDate };
      },
      DescribeExecution: ({ executionArn }) => ({ executionArn, ...find(executionArn) }),
      StopExecution: ({ executionArn }) => {
        const execution = find(executionArn);
        if (execution.status === 'RUNNING') execution.status = 'ABORTED';
        return { stopDate: Date.now() / 1000 };
      },
    };

    const perform = async (request: IncomingMessage): Promise<unknown> => {
      const name = String(request.headers['x-amz-target']).slice(TARGET.length);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action) throw new AwsError('InvalidAction', 400, `The embedded Step Functions do not implement ${name}.`);
      return action(JSON.parse(await text(request)));
    };

    return async (request, response) => {
      const { status, body } = await perform(request).then(
        (result) => ({ status: 200, body: result }),
        (error: unknown) => {
          const { code, status: failed, message } = AwsError.from(error);
          return { status: failed, body: { __type: code, message } };
        },
      );
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() });
      response.end(JSON.stringify(body));
    };
  };
