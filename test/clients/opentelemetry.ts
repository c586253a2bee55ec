import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startLocalServer } from '../../local/local-server.ts';
import { check } from './check.ts';
import { pythonProgram } from './python-program.ts';

/** A collector that decodes by the messages of OpenTelemetry gets what `npm start` sends with the parameter `otlpEndpoint`. */

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

/** Bytes are base64 in protobuf's JSON. */
const toBase64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

const program = await pythonProgram('requirements-opentelemetry.txt');
if (program === undefined) {
  console.log('      opentelemetry-proto is skipped: there is no python3 with venv');
  process.exit();
}
const collector = spawn(program, [join(import.meta.dirname, 'opentelemetry_collector.py')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const lines = createInterface({ input: collector.stdout })[Symbol.asyncIterator]();
const nextLine = async (): Promise<string> => (await lines.next()).value ?? '';

const directory = await mkdtemp(join(tmpdir(), 'clients-opentelemetry-'));
const otlpEndpoint = `http://127.0.0.1:${await nextLine()}`;
const server = await startLocalServer({ directory, port: 0, onLine: () => {}, parameters: { otlpEndpoint } });

/** The first message of a path that has `text`. */
const messageWith = async (path: string, text: string): Promise<string> => {
  for (;;) {
    const line = await nextLine();
    if (line === '') throw new Error('the collector has ended');
    if (line.includes(path) && line.includes(text)) return line;
  }
};

try {
  await fetch(`${server.endpoint}/models/iris`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01` },
    body: '{"inputs": [[5.1, 3.5, 1.4, 0.2]]}',
  });
  await check('the span of a request is below that of its caller, with its parts', async () => {
    const message = await messageWith('/v1/traces', toBase64(CALLER));
    assert.ok(message.includes(`"traceId": "${toBase64(TRACE)}"`));
    for (const name of ['POST /models/:name', 'load', 'download', 'run'])
      assert.ok(message.includes(`"name": "${name}"`));
    assert.ok(message.includes('SPAN_KIND_SERVER'));
  });
  await check('metrics are sums and histograms since the last sending', async () => {
    const message = await messageWith('/v1/metrics', 'onnx_serverless.run_time');
    assert.ok(message.includes('AGGREGATION_TEMPORALITY_DELTA') && message.includes('"explicitBounds"'));
    assert.ok(message.includes('{"key": "onnx_serverless.model", "value": {"stringValue": "iris"}}'));
  });
} finally {
  await server.stop();
  collector.kill();
  await rm(directory, { recursive: true, force: true });
}
