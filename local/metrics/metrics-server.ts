import { createServer } from 'node:http';
import { type Listening, listenLocally } from '../listen-locally.ts';
import { parseMetricLine } from './metric-lines.ts';
import { createMetricTotals } from './prometheus-text.ts';

export interface MetricsServer extends Listening {
  /** Reads a line of a function's log. */
  read(line: string): void;
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Serves the metrics that functions log, for Prometheus, at `GET /metrics`. @throws when the port is taken */
export const startMetricsServer = async (port: number): Promise<MetricsServer> => {
  const totals = createMetricTotals();
  const server = createServer((request, response) => {
    const found = request.url === '/metrics' && ['GET', 'HEAD'].includes(request.method ?? '');
    response.writeHead(found ? 200 : 404, { 'content-type': CONTENT_TYPE });
    response.end(found ? totals.toText() : 'there is GET /metrics alone\n');
  });
  return {
    ...(await listenLocally(server, port)),
    read: (line) => {
      for (const metric of parseMetricLine(line)) totals.add(metric);
    },
  };
};
