import { accepts } from '../../core/accepts.ts';

/** Media type of server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export const EVENT_STREAM_TYPE = 'text/event-stream';

const encoder = new TextEncoder();

/** A chunk of an answer as a server-sent event. JSON text has no line breaks, so that one `data` line holds it. */
export const toEvent = (chunk: unknown): Uint8Array => encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`);

/** True if the `accept` header of a client asks for server-sent events. */
export const acceptsEvents = (accept?: string): boolean => accepts(accept, EVENT_STREAM_TYPE);
