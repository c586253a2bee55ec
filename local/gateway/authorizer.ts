import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { LOCAL_ACCOUNT } from '../../src/core/aws-defaults.ts';
import { isObject } from '../../src/core/is-object.ts';
import { type HttpAnswer, refusal } from './http-answer.ts';

const UNAUTHORIZED = refusal(401, 'Unauthorized');
const FORBIDDEN = refusal(403, 'Forbidden');
const FAILED = refusal(500, 'Internal Server Error');

/** Asks a Lambda authorizer that answers in the simple form. */
export interface Authorizer {
  /** Lower-case names of the headers without which a request is refused unasked. */
  readonly identityHeaders: readonly string[];
  readonly invoke: (event: unknown) => Promise<unknown>;
}

/** The event of a request without its body, as an authorizer sees it. */
const toAuthorizerEvent = (event: APIGatewayProxyEventV2, identitySource: readonly string[]): unknown => {
  const { body: _body, isBase64Encoded: _encoded, ...rest } = event;
  const { apiId, http, stage } = event.requestContext;
  const routeArn = `arn:aws:execute-api:local:${LOCAL_ACCOUNT}:${apiId}/${stage}/${http.method}${event.rawPath}`;
  return { ...rest, type: 'REQUEST', routeArn, identitySource };
};

/**
 * The event with what the authorizer says of its caller, or the answer that refuses it.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export const askAuthorizer = async (
  event: APIGatewayProxyEventV2,
  { identityHeaders, invoke }: Authorizer,
): Promise<{ readonly event: APIGatewayProxyEventV2 } | { readonly answer: HttpAnswer }> => {
  const sources = identityHeaders.map((name) => event.headers[name]);
  const present = sources.filter((value) => value !== undefined && value !== '');
  if (present.length < sources.length) return { answer: UNAUTHORIZED };
  try {
    const result = await invoke(toAuthorizerEvent(event, present.map(String)));
    if (!isObject(result) || typeof result.isAuthorized !== 'boolean') return { answer: FAILED };
    if (!result.isAuthorized) return { answer: FORBIDDEN };
    const requestContext = { ...event.requestContext, authorizer: { lambda: result.context ?? {} } };
    return { event: { ...event, requestContext } };
  } catch {
    return { answer: FAILED }; // the authorizer failed; its log says how
  }
};
