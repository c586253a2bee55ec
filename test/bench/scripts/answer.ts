/** The product beside its rivals: answers a case per line of stdin, and writes its time and its answer to the descriptor 3. */
import assert from 'node:assert/strict';
import { readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

type Handler = (event: APIGatewayProxyEventV2, context: unknown) => Promise<APIGatewayProxyStructuredResultV2>;

const [handlerPath = '', casesPath = ''] = process.argv.slice(2);
const cases = JSON.parse(readFileSync(casesPath, 'utf8')) as Record<string, { readonly event: APIGatewayProxyEventV2 }>;
const { handler } = (await import(handlerPath)) as { handler: Handler };
const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 29_000 };

for await (const name of createInterface({ input: process.stdin })) {
  const event = cases[name]?.event;
  assert.ok(event, `there is no case ${name}`);
  const startMs = performance.now();
  const { statusCode, body = '' } = await handler(event, context);
  const ms = performance.now() - startMs;
  assert.equal(statusCode, 200, body);
  writeSync(3, `${JSON.stringify({ ms, answer: JSON.parse(body) })}\n`);
}
