import { Logger } from '@aws-lambda-powertools/logger';
import { ERROR_KINDS, type ServingError } from '../../core/errors.ts';
import type { Telemetry } from '../../serving/telemetry.ts';

/** A failure for the log: with stack and cause when it is a fault of the service; a message is enough for a caller's. */
export const describeFailure = ({ code, message, operator, cause, stack }: ServingError) => ({
  code,
  message,
  ...(operator !== undefined && { operator }),
  ...(ERROR_KINDS[code].fault === 'server' && {
    stack,
    ...(cause !== undefined && { cause: cause instanceof Error ? cause.stack : String(cause) }),
  }),
});

/** Warnings alone, for a function that answers no request. */
export const createWarned =
  (logger = new Logger()): Telemetry['warned'] =>
  (message, error) =>
    logger.warn(message, { failures: [describeFailure(error)] });
