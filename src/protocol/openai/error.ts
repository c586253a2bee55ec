import { ERROR_KINDS, type ErrorCode } from '../../core/errors.ts';

/** OpenAI's own words for kinds of errors, where it has some. */
const CODES: Partial<Record<ErrorCode, string>> = {
  NOT_FOUND: 'model_not_found',
  UNAUTHORIZED: 'invalid_api_key',
  TOO_MANY_REQUESTS: 'rate_limit_exceeded',
};

/**
 * An error as OpenAI's clients read it. https://platform.openai.com/docs/guides/error-codes
 * @param isRoute false for a path that no route has, which is no missing model
 */
export const toOpenAiError = (code: ErrorCode, message: string, isRoute = true) => ({
  error: {
    message,
    type: ERROR_KINDS[code].fault === 'client' ? 'invalid_request_error' : 'server_error',
    param: null,
    code: isRoute || code !== 'NOT_FOUND' ? (CODES[code] ?? code.toLowerCase()) : 'unknown_url',
  },
});
