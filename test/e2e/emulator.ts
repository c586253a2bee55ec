import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pythonProgram } from './virtual-environment.ts';

const run = promisify(execFile);
const binaries = path.resolve(import.meta.dirname, '../../node_modules/.bin');

/** An AWS account on this machine. It checks policies and signatures, and functions run their deployed zips with their roles. */
export interface Emulator {
  readonly endpoint: string;
  /** PEM file of the certificate that the endpoint shows. */
  readonly certificate: string;
  /** The folder that takes the place of `/opt` for the layer of models. */
  readonly embeddedDirectory: string;
  /** The end of what the emulator and the functions wrote. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

export const startEmulator = async (): Promise<Emulator> => {
  const scratch = await mkdtemp(path.join(tmpdir(), 'aws-emulator-'));
  const logFile = path.join(scratch, 'emulator.log');
  const { certificate, key } = await createCertificate(scratch);
  const embeddedDirectory = path.join(scratch, 'opt');
  const port = await freePort();
  const output = await open(logFile, 'w');
  const emulator = spawn(await pythonProgram('python'), [path.join(import.meta.dirname, 'emulator.py')], {
    stdio: ['ignore', output.fd, output.fd],
    env: {
      PATH: `${binaries}${path.delimiter}${process.env.PATH}`, // functions run with the first `node`
      HOME: scratch,
      TMPDIR: scratch,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: 'local',
      SFN_WAIT_SCALE: '0.05', // pauses between attempts
      AUTH: 'true',
      USE_SSL: 'true', // bucket and queue policies refuse anything else
      MINISTACK_SSL_CERT: certificate,
      MINISTACK_SSL_KEY: key,
      NODE_EXTRA_CA_CERTS: certificate,
      EMBEDDED_DIR: embeddedDirectory, // the emulator unpacks each layer into a folder of its own
    },
  });
  await output.close();
  const exited = once(emulator, 'exit');

  const endpoint = `https://127.0.0.1:${port}`;
  const log = async () => (await readFile(logFile, 'utf8')).split('\n').slice(-60).join('\n');
  while (!(await isHealthy(endpoint, certificate))) {
    if (emulator.exitCode !== null) throw new Error(`The emulator did not start:\n${await log()}`);
    await sleep(200);
  }
  return {
    endpoint,
    certificate,
    embeddedDirectory,
    log,
    stop: async () => {
      emulator.kill();
      await exited;
      await rm(scratch, { recursive: true });
    },
  };
};

/** One that also covers the host names of HTTP APIs, `<api-id>.execute-api.localhost`. */
const createCertificate = async (directory: string): Promise<{ certificate: string; key: string }> => {
  const certificate = path.join(directory, 'certificate.pem');
  const key = path.join(directory, 'key.pem');
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:*.execute-api.localhost';
  const subject = ['-subj', '/CN=aws-emulator', '-days', '2', '-addext', names];
  const files = ['-keyout', key, '-out', certificate];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files]);
  return { certificate, key };
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
};

const isHealthy = async (endpoint: string, certificate: string): Promise<boolean> => {
  const request = get(`${endpoint}/_ministack/health`, { ca: await readFile(certificate) });
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode === 200;
  } catch {
    return false;
  }
};
