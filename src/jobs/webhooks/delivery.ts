import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { messageOf } from '../../core/message-of.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { deliveryKey, JOB_EVENTS_PREFIX, type JobStatus, STATUSES } from '../job-document.ts';
import type { WebhookEvent } from './webhook.ts';

const attemptSchema = v.object({
  time: v.string(),
  /** The status of the answer. */
  status: v.optional(v.number()),
  /** The reason of a failure. */
  error: v.optional(v.string()),
});
const deliverySchema = v.object({
  outcome: v.picklist(['delivered', 'pending', 'failed']),
  attempts: v.array(attemptSchema),
});
export type DeliveryAttempt = v.InferOutput<typeof attemptSchema>;
export type Delivery = v.InferOutput<typeof deliverySchema>;

export interface DeliveryReport extends Delivery {
  readonly event: JobStatus;
}

const eventSchema = v.object({
  ...{ id: v.string(), owner: v.string(), url: v.string(), body: v.string() },
  event: v.picklist(STATUSES),
});

/** Sends an event once. @throws with the reason when it was not taken */
export type SendEvent = (event: WebhookEvent) => Promise<{ readonly status: number }>;

const MAX_EVENT_BYTES = 256 * 1024;

/** Pauses in seconds after each failed attempt: 5 s up to 10 hours, together more than a day. The last attempt has none. */
export const PAUSES_SECONDS: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 28_800, 36_000];

/** A tenth more at most, so that events of one moment do not come back at one moment. */
const withJitter = (seconds: number): number => Math.round(seconds * (1 + Math.random() / 10));

const readDelivery = async (data: ObjectStore, id: string, event: string): Promise<Delivery | undefined> => {
  const object = await unlessMissing(data.read(deliveryKey(id, event), MAX_EVENT_BYTES));
  return object && v.parse(deliverySchema, JSON.parse(Buffer.from(object.body).toString('utf8')));
};

/** The deliveries of the events that have happened. */
export const readDeliveries = async (
  data: ObjectStore,
  id: string,
  events: readonly JobStatus[],
): Promise<DeliveryReport[]> => {
  const found = await Promise.all(
    events.map(async (event) => ({ event, delivery: await readDelivery(data, id, event) })),
  );
  return found.flatMap(({ event, delivery }) => (delivery ? [{ event, ...delivery }] : []));
};

/** @throws `NOT_FOUND`; `INVALID_REQUEST` for an object that is no event */
const readEvent = async (data: ObjectStore, key: string): Promise<WebhookEvent> => {
  const { body } = await data.read(key, MAX_EVENT_BYTES);
  try {
    return v.parse(eventSchema, JSON.parse(Buffer.from(body).toString('utf8')));
  } catch (cause) {
    const problem = `${key} is no event below ${JOB_EVENTS_PREFIX}: ${messageOf(cause)}`;
    throw new ServingError('INVALID_REQUEST', problem, { cause });
  }
};

const attempt = async (send: SendEvent, event: WebhookEvent): Promise<DeliveryAttempt> => {
  const time = new Date().toISOString();
  try {
    const { status } = await send(event);
    const isTaken = status >= 200 && status < 300;
    const isRedirect = status >= 300 && status < 400;
    return {
      time,
      status,
      ...(!isTaken && { error: isRedirect ? 'redirects are not followed' : `answered ${status}` }),
    };
  } catch (error) {
    return { time, error: messageOf(error) };
  }
};

/**
 * Sends the event below `key`, and writes down what came of it. An event that was delivered before is not sent again.
 * @returns the seconds until the next attempt; undefined after a delivery, or after the last attempt
 * @throws `NOT_FOUND`, `INVALID_REQUEST`, `MODEL_UNAVAILABLE`
 */
export const deliverEvent = async (
  data: ObjectStore,
  key: string,
  { send, attempts }: { readonly send: SendEvent; readonly attempts: number },
): Promise<{ readonly outcome: Delivery['outcome']; readonly pauseSeconds?: number }> => {
  const event = await readEvent(data, key);
  const known = await readDelivery(data, event.id, event.event);
  if (known !== undefined && known.outcome !== 'pending') return { outcome: known.outcome };
  const made = await attempt(send, event);
  const all = [...(known?.attempts ?? []), made];
  const pauseSeconds = all.length < attempts ? PAUSES_SECONDS[all.length - 1] : undefined;
  const outcome = made.error === undefined ? 'delivered' : pauseSeconds === undefined ? 'failed' : 'pending';
  await data.write(deliveryKey(event.id, event.event), JSON.stringify({ outcome, attempts: all }), {
    contentType: 'application/json',
  });
  return { outcome, ...(outcome === 'pending' && pauseSeconds && { pauseSeconds: withJitter(pauseSeconds) }) };
};
