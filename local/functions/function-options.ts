export interface FunctionOptions {
  readonly name: string;
  /** The module of the handler: a source, or a bundle. */
  readonly modulePath: string;
  /** The handler's name among the exports; `handler` when it is not given. */
  readonly handlerName?: string;
  /** Lambda's limit. The process is ended when it takes more than that and a little. */
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** The invocations that may run and wait at the same time. Every further one is refused. */
  readonly reservedConcurrency?: number;
  /** Processes at the same time; one unless it is given. Events wait when all of them are busy. */
  readonly environments?: number;
  /** Time after which a process without an event is ended; never unless it is given. */
  readonly idleMs?: number;
  /** The service's variables, in addition to those that Lambda sets. This process passes on `PATH` alone. */
  readonly environment: Readonly<Record<string, string>>;
  /** Receives each line that the function logs. */
  readonly onLine: (line: string) => void;
}
