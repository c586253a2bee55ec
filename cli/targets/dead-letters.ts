import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ListDeadLetterSourceQueuesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { ServingError } from '../../src/core/errors.ts';
import { COMMAND_TIMEOUTS } from '../../src/repository/stores/s3-patience.ts';
import type { DeadLetterQueue } from './target.ts';

/** Uploads that could not be answered, and the queue that they came from. */
export interface DeadLetters {
  /** The number of messages, as SQS knows it: it may be behind by some seconds. */
  count(): Promise<number>;
  /** Sends at most `limit` messages back to their queue. Returns how many went. @throws when SQS refuses one, which stays */
  redrive(limit: number): Promise<number>;
  close(): void;
}

/** The most that SQS gives in one call. */
const LARGEST_CALL = 10;
/** Time within which a message that was received has to be sent on and deleted. */
const HIDDEN_SECONDS = 60;
const LONG_POLL_SECONDS = 1;

/** @throws Error for a message that stays, though it was sent: it comes back */
const remove = async (client: SQSClient, QueueUrl: string, messages: readonly Message[]): Promise<void> => {
  const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  if (Entries.length === 0) return;
  const { Failed: [kept] = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  if (kept)
    throw new Error(`a message was sent, and is still among the dead letters: ${kept.Code} ${kept.Message ?? ''}`);
};

export const openDeadLetters = ({ url: QueueUrl, clientConfig }: DeadLetterQueue): DeadLetters => {
  const { endpoint, region, credentials } = clientConfig;
  const client = new SQSClient({
    requestHandler: COMMAND_TIMEOUTS,
    useQueueUrlAsEndpoint: false, // where AWS_ENDPOINT_URL names one
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
  });

  const findSource = async (): Promise<string> => {
    const { queueUrls: [source] = [] } = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl }));
    if (source !== undefined) return source;
    throw new ServingError('NOT_FOUND', 'no queue has these dead letters', { operator: `they lie in ${QueueUrl}` });
  };

  const receive = async (most: number): Promise<Message[]> => {
    const MaxNumberOfMessages = Math.min(most, LARGEST_CALL);
    const limits = { MaxNumberOfMessages, WaitTimeSeconds: LONG_POLL_SECONDS, VisibilityTimeout: HIDDEN_SECONDS };
    return (await client.send(new ReceiveMessageCommand({ QueueUrl, ...limits }))).Messages ?? [];
  };

  /** Deletes a message only after it was sent: an interruption doubles it, and loses none. */
  const move = async (messages: readonly Message[], source: string): Promise<number> => {
    const sends = messages.map(({ Body }) =>
      client.send(new SendMessageCommand({ QueueUrl: source, MessageBody: Body })),
    );
    const sent = await Promise.allSettled(sends);
    const gone = messages.filter((_message, index) => sent[index]?.status === 'fulfilled');
    await remove(client, QueueUrl, gone);
    const refused = sent.find((each) => each.status === 'rejected');
    if (refused) throw refused.reason;
    return gone.length;
  };

  return {
    count: async () => {
      const AttributeNames = ['ApproximateNumberOfMessages' as const];
      const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
      return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
    },
    redrive: async (limit) => {
      const source = await findSource();
      let moved = 0;
      while (moved < limit) {
        const messages = await receive(limit - moved);
        if (messages.length === 0) break;
        moved += await move(messages, source);
      }
      return moved;
    },
    close: () => client.destroy(),
  };
};
