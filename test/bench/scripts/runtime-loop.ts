/** What Lambda's runtime client does, in the least lines: for machines on which AWS's own (aws-lambda-ric) cannot be built. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT = '', _HANDLER = '' } = process.env;
const agent = new Agent({ keepAlive: true });

const call = (method: string, path: string, body = ''): Promise<{ headers: IncomingHttpHeaders; body: string }> =>
  new Promise((resolve, reject) => {
    const url = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/${path}`;
    request(url, { method, agent }, async (response) =>
      resolve({ headers: response.headers, body: await text(response) }),
    )
      .on('error', reject)
      .end(body);
  });

const [file = '', exported = ''] = _HANDLER.split('.');
const { [exported]: handler } = await import(pathToFileURL(join(LAMBDA_TASK_ROOT, `${file}.mjs`)).href);
for (;;) {
  const { headers, body } = await call('GET', 'next');
  const awsRequestId = String(headers['lambda-runtime-aws-request-id']);
  const deadlineMs = Number(headers['lambda-runtime-deadline-ms']);
  const context = { awsRequestId, getRemainingTimeInMillis: () => deadlineMs - Date.now() };
  await call('POST', `${awsRequestId}/response`, JSON.stringify(await handler(JSON.parse(body), context)));
}
