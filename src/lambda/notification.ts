import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { ServingError } from '../core/errors.ts';

/** Tells people of something that they did not do themselves. */
export type Notify = (subject: string, message: string) => Promise<void>;

const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };
const ATTEMPTS = 3;
/** Longest time of a call. The time-outs above end with the headers of an answer: its body may stall. */
const CALL_MS = 12_000;
/** SNS takes subjects of up to 100 characters of ASCII. */
const LONGEST_SUBJECT = 100;

const toSubject = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, LONGEST_SUBJECT);

/**
 * Publishes to the topic of the alarms. Without one, as on this machine, nobody is told.
 * @throws `MODEL_UNAVAILABLE` when SNS refuses or does not answer
 */
export const createNotify = (topicArn: string, callMs = CALL_MS): Notify => {
  if (topicArn === '') return async () => {};
  const client = new SNSClient({ maxAttempts: ATTEMPTS, requestHandler: TIMEOUTS });
  return async (subject, message) => {
    try {
      const command = new PublishCommand({ TopicArn: topicArn, Subject: toSubject(subject), Message: message });
      await client.send(command, { abortSignal: AbortSignal.timeout(callMs) });
    } catch (cause) {
      const operator = `SNS has not taken the message for ${topicArn}`;
      throw new ServingError('MODEL_UNAVAILABLE', 'the notification was not sent', { operator, cause });
    }
  };
};
