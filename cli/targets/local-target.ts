import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { DEFAULT_REGION, LOCAL_ACCOUNT, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import { ServingError } from '../../src/core/errors.ts';
import { COMMAND_TIMEOUTS } from '../../src/repository/stores/s3-patience.ts';
import { deploymentTarget, KEY } from './deployment-target.ts';
import { sendPlain } from './send.ts';
import { DEAD_LETTER_QUEUE } from './stack.ts';
import type { Target } from './target.ts';

/** The local server has one, which it does not look up. */
const LOCAL_STATE_MACHINE = `arn:aws:states:${DEFAULT_REGION}:${LOCAL_ACCOUNT}:stateMachine:bulk`;

const localServerSchema = v.object({
  endpoint: v.string(),
  modelsBucket: v.string(),
  dataBucket: v.string(),
  s3Endpoint: v.string(),
  fleet: v.optional(v.record(v.string(), v.string()), {}),
});

/** The local server as it describes itself in a file, when it answers. @throws `NOT_FOUND` */
const readLocalServer = async (projectDirectory: string): Promise<v.InferOutput<typeof localServerSchema>> => {
  try {
    const text = await readFile(join(projectDirectory, '.local', 'endpoint.json'), 'utf8');
    const server = v.parse(localServerSchema, JSON.parse(text));
    await fetch(server.s3Endpoint, { signal: AbortSignal.timeout(COMMAND_TIMEOUTS.connectionTimeout) });
    return server;
  } catch (error) {
    throw new ServingError(
      'NOT_FOUND',
      'the local server is not running: start it with npm start, or name a deployed stage with --stage <stage> or a directory with --store <directory>',
      { cause: error },
    );
  }
};

/** The local server. @throws `NOT_FOUND` when it is not running */
export const localTarget = async (projectDirectory: string): Promise<Target> => {
  const { s3Endpoint, ...deployment } = await readLocalServer(projectDirectory);
  const deadLetterQueueUrl = new URL(`${LOCAL_ACCOUNT}/${DEAD_LETTER_QUEUE}`, s3Endpoint).href;
  return deploymentTarget(
    { ...deployment, deadLetterQueueUrl, bulkStateMachineArn: LOCAL_STATE_MACHINE },
    { endpoint: s3Endpoint, forcePathStyle: true, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS },
    { description: `local server at ${deployment.endpoint}`, options: '', send: sendPlain(deployment.endpoint, KEY) },
  );
};
