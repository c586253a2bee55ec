import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stack } from '@aws-sdk/client-cloudformation';
import * as v from 'valibot';
import { ServingError } from '../../src/core/errors.ts';
import { COMMAND_TIMEOUTS } from '../../src/repository/stores/s3-patience.ts';

/** The places of a deployment's parts: outputs of a stack, or the file of the local server. */
export interface Deployment {
  readonly endpoint: string;
  readonly modelsBucket: string;
  readonly dataBucket: string;
  /** Undefined for a stack of a template that names none. */
  readonly deadLetterQueueUrl?: string | undefined;
  /** The state machine of runs; undefined for a stack of a template that has none. */
  readonly bulkStateMachineArn?: string | undefined;
  /** Functions of models that the default one does not serve. */
  readonly fleet?: Readonly<Record<string, string>> | undefined;
}

/** The queue of dead letters: a resource of serverless.yml, and the output that has its address. */
export const DEAD_LETTER_QUEUE = 'UploadDeadLetterQueue';

/** `service: <name>`, or the name after which a variable of the environment goes first. */
const SERVICE_LINE = /^service:\s*(?:([A-Za-z0-9-]+)|\$\{env:SERVICE_NAME, '([A-Za-z0-9-]+)'\})\s*(#.*)?$/m;

/** The name of the service, with which the names of its stacks begin. @throws `INVALID_REQUEST` */
export const readServiceName = async (
  projectDirectory: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> => {
  const path = join(projectDirectory, 'serverless.yml');
  const [, fixed, usual] = SERVICE_LINE.exec(await readFile(path, 'utf8')) ?? [];
  const name = fixed ?? (usual === undefined ? undefined : environment.SERVICE_NAME || usual);
  if (name !== undefined) return name;
  throw new ServingError('INVALID_REQUEST', `${path} has no line "service: <name>"`);
};

/** The output that names the functions of models. */
const fleetSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

/** Undefined when there is no such stack. */
const describeStack = async (stackName: string, region: string): Promise<Stack | undefined> => {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  try {
    const command = new DescribeStacksCommand({ StackName: stackName });
    return (await new CloudFormationClient({ region, requestHandler: COMMAND_TIMEOUTS }).send(command)).Stacks?.[0];
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError') return undefined;
    throw error;
  }
};

/** @throws `NOT_FOUND` with the command that deploys it */
export const readStack = async (stackName: string, stage: string, region: string): Promise<Deployment> => {
  const stack = await describeStack(stackName, region);
  if (stack === undefined)
    throw new ServingError(
      'NOT_FOUND',
      `there is no stack ${stackName} in ${region}; deploy it with: npx sls deploy --stage ${stage}, or name another --region`,
    );
  const find = (key: string): string | undefined =>
    stack.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
  const output = (key: string): string => {
    const value = find(key);
    if (value !== undefined) return value;
    const problem = `stack ${stackName} (${stack.StackStatus}) has no output ${key}`;
    throw new ServingError('NOT_FOUND', `${problem}; deploy it again with: npx sls deploy --stage ${stage}`);
  };
  return {
    endpoint: output('Endpoint'),
    modelsBucket: output('ModelsBucket'),
    dataBucket: output('DataBucket'),
    deadLetterQueueUrl: find(DEAD_LETTER_QUEUE),
    bulkStateMachineArn: find('BulkStateMachine'),
    fleet: v.parse(fleetSchema, find('Fleet') ?? '{}'),
  };
};
