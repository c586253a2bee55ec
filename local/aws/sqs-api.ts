import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { AwsError } from './aws-error.ts';
import type { Message, QueueSettings, SqsQueues } from './sqs-queues.ts';

const TARGET = 'AmazonSQS.';
const LONGEST_WAIT_SECONDS = 20;

/** An entry of a batch. */
interface Entry {
  readonly Id: string;
  readonly ReceiptHandle?: string;
  readonly VisibilityTimeout?: number;
}

/** The parameters that the actions below read; whatever else a client sends has no effect on a standard queue's answer here. */
interface Parameters {
  readonly QueueUrl?: string;
  readonly MaxNumberOfMessages?: number;
  readonly WaitTimeSeconds?: number;
  readonly VisibilityTimeout?: number;
  readonly MessageBody?: string;
  readonly Entries?: readonly Entry[];
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

/** Does something for each entry, and tells that it was done. */
const forEach = (entries: readonly Entry[], act: (entry: Entry) => void) => {
  entries.forEach(act);
  return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] };
};

const createActions = (queues: SqsQueues, settings: readonly QueueSettings[]): Record<string, Action> => ({
  ReceiveMessage: async (queue, parameters, signal) => {
    const { MaxNumberOfMessages = 1, WaitTimeSeconds = 0, VisibilityTimeout } = parameters;
    const waitMs = Math.min(WaitTimeSeconds, LONGEST_WAIT_SECONDS) * 1000;
    const settings = { ...queue, visibilityTimeoutSeconds: VisibilityTimeout ?? queue.visibilityTimeoutSeconds };
    return { Messages: (await queues.receive(settings, MaxNumberOfMessages, waitMs, signal)).map(describe) };
  },
  DeleteMessageBatch: (queue, { Entries = [] }) =>
    forEach(Entries, ({ ReceiptHandle = '' }) => {
      queues.delete(queue, ReceiptHandle);
    }),
  ChangeMessageVisibilityBatch: (queue, { Entries = [] }) =>
    forEach(Entries, ({ ReceiptHandle = '', VisibilityTimeout = 0 }) => {
      queues.hide(queue, ReceiptHandle, VisibilityTimeout);
    }),
  SendMessage: (queue, { MessageBody = '' }) => {
    const { id, md5OfBody } = queues.send(queue.name, MessageBody);
    return { MessageId: id, MD5OfMessageBody: md5OfBody };
  },
  ListDeadLetterSourceQueues: ({ name }, { QueueUrl }) => ({
    queueUrls: settings
      .filter(({ redrive }) => redrive?.deadLetterQueue === name)
      .map((source) => new URL(source.name, QueueUrl).href),
  }),
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
  const actions = createActions(queues, settings);

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
