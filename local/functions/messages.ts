/** The messages between this process and that of a function. The function's process sends one for each that it is asked for. */
export type ToChild =
  | { readonly type: 'next' }
  /** Nobody reads the stream any more. It is answered by nothing, and the invocation ends as it would. */
  | { readonly type: 'gone' }
  /** Nobody waits any more for the answer, which has not begun. It is answered by nothing, and no time remains for the invocation. */
  | { readonly type: 'unawaited' }
  | Invocation;

export interface Invocation {
  readonly type: 'invoke';
  readonly requestId: string;
  readonly deadlineMs: number;
  /** The event, as JSON. */
  readonly payload: string;
}

export type FromChild =
  | { readonly type: 'ready' }
  /** A handler that streams begins its answer: chunks follow, then the end. */
  | { readonly type: 'head'; readonly contentType: string }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  /** The last message of an invocation. `payload` is the JSON that the handler returned; `null` after a stream. */
  | { readonly type: 'succeeded'; readonly payload: string }
  | { readonly type: 'failed'; readonly errorType: string; readonly errorMessage: string };
