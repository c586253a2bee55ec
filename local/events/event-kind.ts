import * as v from 'valibot';
import { messageOf } from '../../src/core/message-of.ts';
import type { EmbeddedAws } from '../aws/embedded-aws.ts';
import type { FunctionProcess } from '../functions/function-process.ts';
import type { Clock } from '../schedule/clock.ts';
import type { DeclaredEvent, Service } from '../service/service.ts';

export type Invocable = Pick<FunctionProcess, 'invoke' | 'invokeStreaming'>;

/** The surroundings that events are started in. */
export interface EventSurroundings {
  readonly aws: EmbeddedAws;
  /** The port of the HTTP API; 0 takes any free one. */
  readonly port: number;
  /** The addresses of the kinds that were started before. */
  readonly addresses: EventAddresses;
  readonly clock: Clock;
  readonly invocable: (functionName: string) => Invocable;
  /** Told of an invocation that failed and that no client waits for. */
  readonly onFailure: (functionName: string, error: unknown) => void;
}

/** Addresses at which functions are reached. */
export interface EventAddresses {
  /** The address of the HTTP API. */
  readonly endpoint: string;
  /** URLs of functions, by the functions' names. */
  readonly functionUrls: Readonly<Record<string, string>>;
}

/** An event as `npm start` lists it. */
export interface ServedEvent {
  readonly functionName: string;
  /** A route such as `GET /models`, an expression such as `rate(1 hour)`, or an address. */
  readonly description: string;
}

export interface StartedEvents {
  readonly addresses?: Partial<EventAddresses>;
  readonly served: readonly ServedEvent[];
  stop(): Promise<void>;
}

export type StartEvents = (surroundings: EventSurroundings) => Promise<StartedEvents>;

/** Reads all events of one kind, so that they can be started. @throws Error that says which event is wrong, and how */
export type EventKind = (
  events: readonly DeclaredEvent[],
  service: Pick<Service, 'queues' | 'authorizers' | 'cors'>,
) => StartEvents;

/** Reads each event by itself. @throws Error that names the function and the kind before the problem */
export const readEach = <T>(
  events: readonly DeclaredEvent[],
  read: (value: unknown) => T,
): (T & { readonly functionName: string })[] =>
  events.map(({ functionName, kind, value }) => {
    try {
      return { ...read(value), functionName };
    } catch (error) {
      throw new Error(`functions.${functionName}: ${kind}: ${messageOf(error)}`, { cause: error });
    }
  });

/** @throws Error that names the setting before the problem */
export const parseSettings = <Output>(
  schema: v.BaseSchema<unknown, Output, v.BaseIssue<unknown>>,
  value: unknown,
): Output => {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  throw new Error(path === null ? issue.message : `${path}: ${issue.message}`);
};
