import { isIP } from 'node:net';
import { refuse, ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { eventKey, type JobStatus, type JobWebhook, STATUSES } from '../job-document.ts';
import { isPublicAddress } from './address.ts';

/** The events that a webhook is told of when the request names none: the ends of a job. */
const DEFAULT_EVENTS: readonly JobStatus[] = ['succeeded', 'failed', 'cancelled'];
/** The one state that no event announces: the answer to the request does. */
const EVENTS: readonly JobStatus[] = STATUSES.filter((status) => status !== 'queued');
const LONGEST_URL = 2_000;

/** Hosts of the operator, as `<host>` or `<host>:<port>`, that are reached although they are private, and over http, too. */
export type TrustedHosts = readonly string[];

export const isTrusted = ({ host, hostname }: URL, trusted: TrustedHosts): boolean =>
  trusted.includes(host) || trusted.includes(hostname);

/** The address of a URL whose host is one; undefined for a name. */
export const literalAddress = ({ hostname }: URL): string | undefined => {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(address) === 0 ? undefined : address;
};

/** @throws `INVALID_REQUEST` for a URL that no webhook may have */
export const parseWebhookUrl = (text: unknown, trusted: TrustedHosts): URL => {
  const url = typeof text === 'string' && text.length <= LONGEST_URL ? URL.parse(text) : null;
  if (url === null) return refuse('INVALID_REQUEST', `"webhook" is ${show(text)}, expected a URL: https://…`);
  if (url.username !== '' || url.password !== '')
    refuse('INVALID_REQUEST', '"webhook" has a user or a password; the signature tells who sends');
  if (isTrusted(url, trusted) && ['http:', 'https:'].includes(url.protocol)) return url;
  if (url.protocol !== 'https:') refuse('INVALID_REQUEST', `"webhook" is ${show(text)}, expected https://…`);
  const address = literalAddress(url);
  if (address !== undefined && !isPublicAddress(address))
    refuse('INVALID_REQUEST', `"webhook" is ${show(text)}: ${address} is no public address`);
  return url;
};

const isEvent = (value: unknown): value is JobStatus => EVENTS.some((event) => event === value);

/** A list, or the text of a query: `succeeded,failed`. */
const parseEvents = (value: unknown): JobStatus[] => {
  const names = typeof value === 'string' ? value.split(',') : value;
  if (Array.isArray(names) && names.length > 0 && names.every(isEvent)) return [...new Set(names)];
  return refuse('INVALID_REQUEST', `"events" is ${show(value)}, expected a list of ${EVENTS.join(', ')}`);
};

/** The parameters of a request that are for its task. */
export const withoutWebhook = ({ webhook: _webhook, events: _events, ...parameters }: Parameters): Parameters =>
  parameters;

type Parameters = Readonly<Record<string, unknown>>;

/** Reads the webhook among the parameters of a request. @throws `INVALID_REQUEST` */
export const readWebhook = ({ webhook, events }: Parameters, trusted: TrustedHosts): JobWebhook | undefined => {
  if (webhook === undefined && events !== undefined)
    refuse('INVALID_REQUEST', '"events" needs "webhook", the URL that is told of them');
  if (webhook === undefined) return undefined;
  const url = parseWebhookUrl(webhook, trusted).href;
  return { url, events: events === undefined ? [...DEFAULT_EVENTS] : parseEvents(events) };
};

/** A change of a job that its webhook is told of. */
export interface WebhookEvent {
  readonly id: string;
  readonly owner: string;
  readonly url: string;
  readonly event: JobStatus;
  /** The body that is sent, the same at each attempt. */
  readonly body: string;
}

/** Writes the event that S3 announces. An event that was written before stays as it is. @throws `MODEL_UNAVAILABLE` */
export const announceEvent = async (data: ObjectStore, event: WebhookEvent): Promise<void> => {
  const options = { condition: { ifNoneMatch: '*' }, contentType: 'application/json' } as const;
  await data.write(eventKey(event.id, event.event), JSON.stringify(event), options).catch((error: unknown) => {
    if (ServingError.from(error).code !== 'CONFLICT') throw error;
  });
};
