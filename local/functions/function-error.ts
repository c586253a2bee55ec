/** The error that Lambda answers when a handler throws, takes too long, or ends its process. `name` is Lambda's `errorType`. */
export class FunctionError extends Error {
  constructor(errorType: string, message: string) {
    super(message);
    this.name = errorType;
  }
}

/** The `errorType` of an invocation beyond the function's reserved concurrency. */
export const THROTTLED = 'TooManyRequestsException';
