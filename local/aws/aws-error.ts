/** An error as an AWS service answers it: its code, its HTTP status, what happened, and further fields of the answer. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;
  readonly details: Readonly<Record<string, string>>;

  constructor(code: string, status: number, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }

  /** Anything that is no answer of the service is a defect of this emulation. */
  static from(error: unknown): AwsError {
    return error instanceof AwsError ? error : new AwsError('InternalError', 500, String(error));
  }
}
