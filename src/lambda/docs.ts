import { createHash } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { type Identity, isAllowed } from '../access/scope.ts';
import { accepts } from '../core/accepts.ts';
import { ERROR_KINDS, ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import { parseTrustedKeys } from '../core/trusted-keys.ts';
import { isKnown } from '../http/entity-tag.ts';
import { errorResponse } from '../http/errors.ts';
import { type HttpRequest, type HttpResponse, isStream, jsonResponse } from '../http/message.ts';
import { notAllowed, routedMethod, toAllow } from '../http/methods.ts';
import { type DescribedModel, describeModel } from '../openapi/described-model.ts';
import { createDocument } from '../openapi/document.ts';
import { createModelRepository, type ModelRepository } from '../repository/model-repository.ts';
import { createS3Client, createS3Store } from '../repository/stores/s3-store.ts';
import type { Telemetry } from '../serving/telemetry.ts';
import type { Clients } from '../tasks/client-defaults.ts';
import { type Auth, readConfig } from './configuration.ts';
import { readHttpEvent, refuseEvent } from './http-event.ts';
import { type HttpResult, toResult } from './http-result.ts';
import { createPage, type PageFiles } from './page.ts';
import { createTelemetry } from './telemetry/telemetry.ts';

export interface Docs {
  readonly repository: ModelRepository;
  readonly auth: Auth;
  readonly jwtScopePrefix: string;
  readonly clients: Clients;
  readonly files: PageFiles;
  /** The URL that answers chunk by chunk, if a page can call it; empty otherwise. */
  readonly streamEndpoint: string;
  /** The host that takes files, if a page can use it; empty otherwise. */
  readonly uploadHost: string;
  readonly telemetry: Pick<Telemetry, 'warned'>;
}

const ALLOW = toAllow(['GET']);

/** The models that a caller may use, but for broken ones. @throws `MODEL_UNAVAILABLE` when the store does not answer */
const describeModels = async (
  { repository, auth, clients, telemetry }: Docs,
  identity: Identity | undefined,
): Promise<DescribedModel[]> => {
  const scopes = auth === 'aws_iam' || auth === 'none' ? ['predict'] : (identity?.scopes ?? []);
  const names = (await repository.names()).filter((name) => isAllowed(scopes, 'predict', name));
  const described = await Promise.all(
    names.map((name) =>
      describeModel(repository, name, clients).catch((error: unknown) => {
        const failure = ServingError.from(error);
        if (failure.code === 'MODEL_UNAVAILABLE') throw failure;
        telemetry.warned(`the document leaves out the model ${name}`, failure);
        return undefined;
      }),
    ),
  );
  return described.filter((model) => model !== undefined);
};

/** Tells a browser that has the text already so. The tag is weak: it is the same for each coding. */
const tagged = (response: HttpResponse, { headers: asked }: HttpRequest): HttpResponse => {
  const digest = createHash('sha256').update(String(response.body)).digest('base64url').slice(0, 20);
  const headers = { ...response.headers, etag: `W/"${digest}"` };
  return isKnown(asked['if-none-match'], `"${digest}"`) ? { status: 304, headers, body: '' } : { ...response, headers };
};

/** Every answer tells caches that it depends on the coding, the one that is not encoded, too. */
const gzip = (response: HttpResponse, { headers: asked }: HttpRequest): HttpResponse => {
  const headers = { ...response.headers, vary: 'accept-encoding' };
  if (!accepts(asked['accept-encoding'], 'gzip') || isStream(response.body) || response.body === '')
    return { ...response, headers };
  const body = process.getBuiltinModule('node:zlib').gzipSync(response.body);
  return { ...response, headers: { ...headers, 'content-encoding': 'gzip' }, body };
};

/** Describes the API of the models that a caller may use, and answers the page on which people try it. */
export const docsHandler = (docs: Docs) => {
  const page = createPage(docs.files, docs);

  const answer = async (request: HttpRequest, identity: Identity | undefined): Promise<HttpResponse> => {
    const { path, method } = request;
    if (method === 'OPTIONS') return { status: 204, headers: { allow: ALLOW }, body: '' };
    if (routedMethod(method) !== 'GET') throw notAllowed(method, path, ALLOW);
    const found = page(path);
    if (found !== undefined) return tagged(found, request);
    if (path !== '/openapi.json')
      throw new ServingError('NOT_FOUND', `no route ${shorten(path)}; there are / and /openapi.json`);
    const document = createDocument(await describeModels(docs, identity), docs.auth, docs.streamEndpoint);
    return tagged(jsonResponse(JSON.stringify(document), { headers: { 'cache-control': 'no-cache' } }), request);
  };

  return async (event: unknown, context: Context): Promise<HttpResult> => {
    const httpEvent = readHttpEvent(event, docs.jwtScopePrefix);
    if (httpEvent === undefined) return toResult(refuseEvent(event, context), '', '2.0');
    const { request, format, identity } = httpEvent;
    const requestId = httpEvent.requestId || context.awsRequestId;
    const respond = async (): Promise<HttpResponse> => {
      try {
        return gzip(await answer(request, identity), request);
      } catch (error) {
        const failure = ServingError.from(error);
        if (ERROR_KINDS[failure.code].fault === 'server')
          docs.telemetry.warned(`the request ${requestId} for ${shorten(request.path)} failed`, failure);
        const refusal = errorResponse(failure, requestId, request.path);
        return failure.code === 'METHOD_NOT_ALLOWED'
          ? { ...refusal, headers: { ...refusal.headers, allow: ALLOW } }
          : refusal;
      }
    };
    const { status, headers, body } = await respond();
    const response = { status, headers: { ...headers, 'x-request-id': requestId } };
    return toResult({ ...response, body: request.method === 'HEAD' ? '' : body }, request.path, format);
  };
};

/** Connects the bucket of the models. */
export const connectDocs = (files: PageFiles): Docs => {
  const { modelsBucket, models: only, trustedKeys, withdrawn, auth, jwtScopePrefix, clients, ...config } = readConfig();
  const store = createS3Store(createS3Client(), modelsBucket);
  const options = { only, trustedKeys: parseTrustedKeys(trustedKeys), withdrawn };
  const telemetry = createTelemetry({
    ...{ memoryMb: config.memoryMb, directory: config.modelCacheDirectory },
    initMs: () => 0,
  });
  const repository = createModelRepository(store, options);
  const { streamEndpoint, uploadHost } = config;
  return { repository, auth, jwtScopePrefix, clients, files, streamEndpoint, uploadHost, telemetry };
};
