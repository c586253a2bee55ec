import type { Application } from './application.ts';
import { assertBodyFits, isStream, type RequestContext, type ResponseBody } from './message.ts';

/** The whole body. @throws `PAYLOAD_TOO_LARGE` before more than the limit is in memory */
const readBody = async (request: Request): Promise<Uint8Array> => {
  assertBodyFits(Number(request.headers.get('content-length') ?? 0));
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body ?? []) {
    sizeBytes += chunk.byteLength;
    assertBodyFits(sizeBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** A status without a body, such as 204, allows not even an empty one. */
const toFetchBody = (body: ResponseBody): string | ReadableStream | Uint8Array<ArrayBuffer> | null => {
  if (body === '') return null;
  if (typeof body === 'string') return body;
  return isStream(body) ? ReadableStream.from(body) : new Uint8Array(body);
};

/** The application for any server that speaks `fetch`. */
export const toFetch =
  (application: Application) =>
  async (request: Request, context: RequestContext): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const { status, headers, body } = await application(
      {
        method: request.method,
        path: pathname,
        query: search.slice(1),
        headers: Object.fromEntries(request.headers),
        readBody: () => readBody(request),
      },
      context,
    );
    return new Response(toFetchBody(body), { status, headers });
  };
