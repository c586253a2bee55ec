import { DescribeExecutionCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { ServingError } from '../../src/core/errors.ts';
import { type BulkRun, planPrefix } from '../../src/jobs/bulk/bulk-run.ts';
import { COMMAND_TIMEOUTS } from '../../src/repository/stores/s3-patience.ts';
import type { Target } from './target.ts';

/** Executions of the state machine that hands out the chunks of runs. */
export interface Executions {
  /** Returns the ARN of the execution. */
  start(run: BulkRun): Promise<string>;
  isRunning(arn: string): Promise<boolean>;
  stop(arn: string): Promise<void>;
  close(): void;
}

/** @throws `INVALID_REQUEST` for a directory; `NOT_FOUND` for a stack without a state machine */
export const openExecutions = ({ states, description, buckets }: Target): Executions => {
  if (!buckets) throw new ServingError('INVALID_REQUEST', `the ${description} has no runs; npm start and stages do`);
  if (!states)
    throw new ServingError('NOT_FOUND', `the ${description} has no output BulkStateMachine; deploy it again`);
  const { endpoint, region, credentials } = states.clientConfig;
  const client = new SFNClient({
    requestHandler: COMMAND_TIMEOUTS,
    disableHostPrefix: true,
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
  });
  return {
    start: async ({ name, maxConcurrency }) => {
      const input = { bucket: states.dataBucket, plan: planPrefix(name), map: `bulk/${name}/map/`, maxConcurrency };
      const command = new StartExecutionCommand({ stateMachineArn: states.arn, input: JSON.stringify(input) });
      return (await client.send(command)).executionArn ?? '';
    },
    isRunning: async (executionArn) => {
      try {
        return (await client.send(new DescribeExecutionCommand({ executionArn }))).status === 'RUNNING';
      } catch (error) {
        if (error instanceof Error && error.name.startsWith('ExecutionDoesNotExist')) return false;
        throw error;
      }
    },
    stop: async (executionArn) => {
      await client.send(new StopExecutionCommand({ executionArn, error: 'Cancelled' }));
    },
    close: () => client.destroy(),
  };
};
