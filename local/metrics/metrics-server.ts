import { createServer } from 'node:http';
import { messageOf } from '../../src/core/message-of.ts';
import { type Listening, listenLocally } from '../listen-locally.ts';
import { parseMetricLine } from './metric-lines.ts';
import { createMetricTotals } from './prometheus-text.ts';

export interface MetricsServer extends Listening {
  /** Reads a line of a function's log. */
  read(line: string): void;
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Serves the metrics that functions log, for Prometheus, at `GET /metrics`, and the page of the models at `GET /monitor`.
 * @throws when the port is taken
 */
export const startMetricsServer = async (port: number, page: () => Promise<string>): Promise<MetricsServer> => {
  const totals = createMetricTotals();
  const answers: Readonly<Record<string, readonly [contentType: string, read: () => Promise<string> | string]>> = {
    '/metrics': [CONTENT_TYPE, () => totals.toText()],
    '/monitor': ['text/html; charset=utf-8', page],
  };
  const server = createServer(async ({ url = '', method = '' }, response) => {
    const answer = ['GET', 'HEAD'].includes(method) ? answers[url] : undefined;
    const [contentType, read] = answer ?? [CONTENT_TYPE, () => 'there are GET /metrics and GET /monitor alone\n'];
    try {
      const text = await read();
      response.writeHead(answer ? 200 : 404, { 'content-type': contentType }).end(text);
    } catch (error) {
      response.writeHead(500, { 'content-type': CONTENT_TYPE }).end(`${messageOf(error)}\n`);
    }
  });
  return {
    ...(await listenLocally(server, port)),
    read: (line) => {
      for (const metric of parseMetricLine(line)) totals.add(metric);
    },
  };
};
