import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';
import { simulate } from '../../src/advise/capacity/simulate.ts';

/** Requests at the same time, and the pause after the answers before, as a share of the time that an idle process lives. */
const BURSTS: readonly (readonly [requests: number, pause: number])[] = [
  [1, 0],
  [2, 0.5],
  [3, 0.5],
  [2, 1.8],
  [3, 0.5],
  [1, 0.5],
];
const MOST = Math.max(...BURSTS.map(([requests]) => requests));

let directory: string;
let server: LocalServer;
/** Whether each answered request was the first of its process. */
const coldStarts: boolean[] = [];

const onLine = (line: string): void => {
  if (!line.startsWith('{"level"')) return;
  const { message, coldStart } = JSON.parse(line);
  if (message === 'request') coldStarts.push(coldStart === true);
};

const photo = await readFile('models/efficientnet-lite0/samples/coffee.jpg');

/** Sends requests at the same time, and returns when, and how long their answers took. Each takes longer than it takes to send all of them. */
const burst = async (requests: number, { endpoint }: { readonly endpoint: string }) => {
  const atMs = performance.now();
  return Promise.all(
    Array.from({ length: requests }, async () => {
      const response = await fetch(`${endpoint}/models/efficientnet-lite0`, {
        method: 'POST',
        headers: { 'content-type': 'image/jpeg' },
        body: photo,
      });
      expect(response.status).toBe(200);
      await response.arrayBuffer();
      return { atMs, latencyMs: performance.now() - atMs };
    }),
  );
};

const start = (idleMs?: number): Promise<LocalServer> =>
  startLocalServer({ directory, port: 0, onLine, scaling: { environments: MOST, ...(idleMs && { idleMs }) } });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'capacity-'));
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

/** Sends all bursts to a server of its own, whose processes live for `idleMs` after an answer. */
const sendAll = async (idleMs: number): Promise<Awaited<ReturnType<typeof burst>>> => {
  server = await start(idleMs);
  coldStarts.length = 0;
  const sent: Awaited<ReturnType<typeof burst>> = [];
  for (const [requests, pause] of BURSTS) {
    await sleep(pause * idleMs);
    sent.push(...(await burst(requests, server)));
  }
  return sent;
};
const slowest = (sent: Awaited<ReturnType<typeof burst>>): number =>
  Math.max(...sent.map(({ latencyMs }) => latencyMs));

it('simulates the cold starts that the local server has under the same trace', async () => {
  server = await start();
  let coldMs = slowest(await burst(MOST, server));
  const serviceMs = slowest(await burst(1, server));
  await server.stop();

  let idleMs = 2 * coldMs + 1_000;
  let sent = await sendAll(idleMs);
  // An answer that took as long as half of the idle time ended a process that the trace keeps: the machine became busy meanwhile.
  while (slowest(sent) >= idleMs / 2) {
    await server.stop();
    coldMs = slowest(sent);
    idleMs = 2 * coldMs + 1_000;
    sent = await sendAll(idleMs);
  }
  const requests = sent.map(({ atMs }) => ({ atMs, serviceMs }));
  while (coldStarts.length < requests.length) await sleep(20);

  const simulated = simulate(requests, { coldMs, idleMs }, () => 0).filter(({ isCold }) => isCold).length;
  const real = coldStarts.filter((isCold) => isCold).length;
  process.stdout.write(`cold starts of ${requests.length} requests: ${real}, simulated ${simulated}\n`);
  // Processes started again after pauses and for more requests at a time, and answered more than once.
  expect(real).toBeGreaterThan(MOST);
  expect(real).toBeLessThan(requests.length);
  expect(Math.abs(simulated - real) / real).toBeLessThanOrEqual(0.1);
}, 900_000);
