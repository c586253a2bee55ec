import { messageOf } from './message-of.ts';

/** The kind of an error, in words that no transport owns. */
export type ErrorCode =
  | 'INVALID_REQUEST'
  | 'INVALID_INPUT'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'PAYLOAD_TOO_LARGE'
  | 'TOO_MANY_REQUESTS'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'CONFLICT'
  | 'MODEL_UNAVAILABLE'
  | 'MODEL_INVALID'
  | 'INFERENCE_FAILED'
  | 'DEADLINE_EXCEEDED'
  | 'INSUFFICIENT_STORAGE'
  | 'INTERNAL';

interface ErrorKind {
  /** The party that has to act: the caller (4xx) or the operator (5xx). */
  readonly fault: 'client' | 'server';
  /** True if the same request can only fail again. In a batch, permanent failures are written as results and acknowledged. */
  readonly permanent: boolean;
}

/** `Record` makes the compiler refuse an `ErrorCode` without a kind. */
export const ERROR_KINDS: Record<ErrorCode, ErrorKind> = {
  INVALID_REQUEST: { fault: 'client', permanent: true },
  INVALID_INPUT: { fault: 'client', permanent: true },
  UNAUTHORIZED: { fault: 'client', permanent: true },
  FORBIDDEN: { fault: 'client', permanent: true },
  UNSUPPORTED_MEDIA_TYPE: { fault: 'client', permanent: true },
  PAYLOAD_TOO_LARGE: { fault: 'client', permanent: true },
  TOO_MANY_REQUESTS: { fault: 'client', permanent: false },
  NOT_FOUND: { fault: 'client', permanent: true },
  METHOD_NOT_ALLOWED: { fault: 'client', permanent: true },
  CONFLICT: { fault: 'client', permanent: false },
  MODEL_UNAVAILABLE: { fault: 'server', permanent: false },
  MODEL_INVALID: { fault: 'server', permanent: false },
  INFERENCE_FAILED: { fault: 'server', permanent: false },
  DEADLINE_EXCEEDED: { fault: 'server', permanent: false },
  INSUFFICIENT_STORAGE: { fault: 'server', permanent: false },
  INTERNAL: { fault: 'server', permanent: false },
};

export interface ServingErrorOptions extends ErrorOptions {
  /** Text for the operator of the service: places, settings and commands, which no caller may read. Log and command line show it. */
  readonly operator?: string | undefined;
}

/** The one error of the project. `message` is for the caller: the value that came, the value that was expected, and the remedy. */
export class ServingError extends Error {
  override readonly name = 'ServingError';
  readonly code: ErrorCode;
  readonly operator: string | undefined;

  constructor(code: ErrorCode, message: string, options: ServingErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.operator = options.operator;
  }

  /** The message with the operator's text. */
  get fullMessage(): string {
    return this.operator === undefined ? this.message : `${this.message}; ${this.operator}`;
  }

  /** Returns a `ServingError` as it is, and wraps any other error as the `cause` of one with `code`. */
  static from(error: unknown, code: ErrorCode = 'INTERNAL'): ServingError {
    if (error instanceof ServingError) return error;
    return new ServingError(code, messageOf(error), { cause: error });
  }
}

/** Messages that callers read in the place of a server's own message, which the log has. A 504 keeps its message: it says how much was done. */
export const PUBLIC_MESSAGE: Partial<Record<ErrorCode, string>> = {
  MODEL_UNAVAILABLE: 'the model is not available now, try again in a few seconds',
  MODEL_INVALID: 'the model cannot be served as it is stored',
  INFERENCE_FAILED: 'the model failed on this input',
  INSUFFICIENT_STORAGE: 'the model does not fit into the memory or the storage of the function',
  INTERNAL: 'internal error',
};

/** Throws a `ServingError` in the place of a value. */
export const refuse = (code: ErrorCode, message: string): never => {
  throw new ServingError(code, message);
};
