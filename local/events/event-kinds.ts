import type { Service } from '../service/service.ts';
import type { EventKind, StartEvents } from './event-kind.ts';
import { functionUrlEvents } from './function-url-events.ts';
import { httpApiEvents } from './http-api-events.ts';
import { queueEvents } from './queue-events.ts';
import { scheduleEvents } from './schedule-events.ts';

/** The kinds of events that run on this machine, by their names in serverless.yml. A new kind is added here. */
const EVENT_KINDS: ReadonlyMap<string, EventKind> = new Map([
  ['httpApi', httpApiEvents],
  ['sqs', queueEvents],
  ['schedule', scheduleEvents],
  ['url', functionUrlEvents],
]);

/** @throws Error that names the function and the kind when an event cannot run here, or is wrong */
export const readEvents = (service: Service): StartEvents[] => {
  const { events } = service;
  const unknown = events.find(({ kind }) => !EVENT_KINDS.has(kind));
  if (unknown)
    throw new Error(
      `functions.${unknown.functionName}: npm start cannot start events of the kind ${unknown.kind}, ` +
        `only ${[...EVENT_KINDS.keys()].join(', ')}`,
    );
  return [...EVENT_KINDS].map(([kind, read]) =>
    read(
      events.filter((event) => event.kind === kind),
      service,
    ),
  );
};
