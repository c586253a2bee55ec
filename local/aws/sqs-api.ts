import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { AwsError } from './aws-error.ts';
import type { Message, QueueSettings, SqsQueues } from './sqs-queues.ts';

const TARGET = 'AmazonSQS.';
const LONGEST_WAIT_SECONDS = 20;

/** The parameters that the actions below read; whatever else a client sends has no effect on a standard queue's answer here. */
interface Parameters {
  readonly QueueUrl?: string;
  readonly MaxNumberOfMessages?: number;
  readonly WaitTimeSeconds?: number;
  readonly Entries?: readonly { readonly Id: string; readonly ReceiptHandle: string }[];
}

/** `signal` aborts when the client has gone. */
type Action = (queue: QueueSettings, parameters: Parameters, signal: AbortSignal) => unknown;

export const isSqsRequest = (request: IncomingMessage): boolean =>
  String(request.headers['x-amz-target'] ?? '').startsWith(TARGET);

const describe = (message: Message) => ({
  MessageId: message.id,
  ReceiptHandle: message.receiptHandle,
  Body: message.body,
  MD5OfBody: message.md5OfBody,
  Attributes: {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentMs),
    SenderId: 'embedded',
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
  },
});

const createActions = (queues: SqsQueues): Record<string, Action> => ({
  ReceiveMessage: async (queue, { MaxNumberOfMessages = 1, WaitTimeSeconds = 0 }, signal) => {
    const waitMs = Math.min(WaitTimeSeconds, LONGEST_WAIT_SECONDS) * 1000;
    return { Messages: (await queues.receive(queue, MaxNumberOfMessages, waitMs, signal)).map(describe) };
  },
  DeleteMessageBatch: (queue, { Entries = [] }) => {
    for (const { ReceiptHandle } of Entries) queues.delete(queue, ReceiptHandle);
    return { Successful: Entries.map(({ Id }) => ({ Id })), Failed: [] };
  },
  GetQueueAttributes: (queue) => {
    const { visible, inFlight } = queues.depth(queue);
    const attributes = {
      ApproximateNumberOfMessages: visible,
      ApproximateNumberOfMessagesNotVisible: inFlight,
      VisibilityTimeout: queue.visibilityTimeoutSeconds,
    };
    return { Attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)])) };
  },
});

/** Answers a request of the SQS JSON protocol for the queues of the stack. Credentials are not checked. */
export const createSqsApi = (queues: SqsQueues, settings: readonly QueueSettings[]) => {
  const actions = createActions(queues);

  const perform = async (request: IncomingMessage, signal: AbortSignal): Promise<unknown> => {
    const name = String(request.headers['x-amz-target']).slice(TARGET.length);
    const parameters: Parameters = JSON.parse(await text(request));
    const wanted = parameters.QueueUrl?.split('/').at(-1);
    const queue = settings.find((candidate) => candidate.name === wanted);
    if (!queue) throw new AwsError('QueueDoesNotExist', 400, `The queue ${wanted} does not exist.`);
    const action = actions[name];
    if (!action) throw new AwsError('InvalidAction', 400, `The embedded SQS does not implement ${name}.`);
    return action(queue, parameters, signal);
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const { status, body } = await perform(request, gone.signal).then(
      (result) => ({ status: 200, body: result }),
      (error: unknown) => {
        const { code, status, message } = AwsError.from(error);
        return { status, body: { __type: `com.amazonaws.sqs#${code}`, message } };
      },
    );
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() });
    response.end(JSON.stringify(body));
  };
};
