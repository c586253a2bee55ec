import { JSON_HEADERS, send } from './api.js';

/** Bytes of a body that fit into a request: the gateway hands a picture on as base64, of which Lambda takes 6 MiB. */
const REQUEST_BYTES = 4_500_000;

/** True for a body that has to be sent to the bucket, and that the model may read there. */
export const exceedsRequest = ({ object, body }) => object !== undefined && new Blob([body]).size > REQUEST_BYTES;

/** The message of an answer of S3. */
const messageIn = (xml) => /<Message>([^<]*)/.exec(xml)?.[1] ?? xml;

/** Sends a body to a URL that was signed for it. `fetch` does not tell how much has gone. Never throws. */
const put = ({ url, headers, body, signal, onSent }) =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const end = (ok, text) => resolve({ ok, status: request.status, text, timing: '' });
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers))
      if (name !== 'content-length') request.setRequestHeader(name, value); // the browser sets it
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onload = () => end(request.status < 300, messageIn(request.responseText));
    request.onerror = () =>
      end(false, 'The connection to the bucket broke off, or it lets no page of this address in.');
    request.onabort = () => resolve({ isStopped: true });
    signal.addEventListener('abort', () => request.abort());
    if (signal.aborted) resolve({ isStopped: true });
    else request.send(body);
  });

/** Puts the body of a request into the bucket, and sends a request that refers to it. Never throws, as `send` does not. */
export const sendByBucket = async ({ model, object, ...request }, { signal, onSent }) => {
  const started = performance.now();
  const after = (answer) => ({ ...answer, ms: performance.now() - started });
  const body = new Blob([request.body]);
  const announced = {
    ...{ model, name: object, sizeBytes: body.size },
    contentType: request.headers['content-type'],
  };
  const opened = await send({ path: '/uploads', headers: JSON_HEADERS, body: JSON.stringify(announced) }, signal);
  if (!opened.ok) return { ...opened, isUpload: opened.status !== 0 };
  const { s3, url, headers } = opened.json;
  const stored = await put({ url, headers, body, signal, onSent });
  if (!stored.ok) return after({ ...stored, isUpload: true });
  const uploadMs = performance.now() - started;
  const reference = { ...request, headers: JSON_HEADERS, body: JSON.stringify({ inputs: { s3 } }) };
  return after({ ...(await send(reference, signal)), uploadMs });
};
