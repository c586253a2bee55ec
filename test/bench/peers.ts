import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../src/core/message-of.ts';
import { ensureVirtualEnvironment } from '../support/virtual-environment.ts';

/** Installed below `peers/`, on demand: the project itself does not depend on them. */
const PACKAGES = ['@huggingface/transformers@4.3.1', 'aws-lambda-ric@4.0.2'];
/** The functions that somebody writes by hand. */
export const peersFolder = path.join(import.meta.dirname, 'peers');
const modules = path.join(peersFolder, 'node_modules');
const runtimeClient = path.join(modules, 'aws-lambda-ric');

export interface Peers {
  /** The folder of a function of transformers.js, as npm installs it; undefined when it cannot be installed. */
  readonly transformersFolder: string | undefined;
  /** The module of AWS's runtime client; undefined where it cannot be built: it takes cmake, a C++ compiler and Node's headers. */
  readonly runtimeClient: string | undefined;
  /** A Python with AWS's runtime client, boto3, onnxruntime and Pillow; undefined where no virtual environment can be made. */
  readonly python: string | undefined;
}

/** The folder of a function in Python. */
export const pythonFolder = path.join(peersFolder, 'python');

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const npm = (...args: string[]): Promise<boolean> =>
  promisify(execFile)('npm', [...args, '--prefix', peersFolder, '--no-audit', '--no-fund', '--fetch-retries=0']).then(
    () => true,
    () => false,
  );

/** The programs of a virtual environment below `.venv/`; undefined where it cannot be made. */
const ensurePrograms = async (
  name: string,
  requirements: string,
  report: (line: string) => void,
): Promise<string | undefined> => {
  const environment = path.join(import.meta.dirname, '../../.venv', name);
  try {
    return await ensureVirtualEnvironment(environment, path.join(pythonFolder, requirements));
  } catch (error) {
    report(
      `the comparison with ${name} in Python is left out, it cannot be installed: ${messageOf(error).split('\n')[0]}`,
    );
    return undefined;
  }
};

/** A Python with MLServer; undefined where it cannot be installed. */
export const ensureMlServer = async (report: (line: string) => void): Promise<string | undefined> => {
  const programs = await ensurePrograms('mlserver', 'mlserver-requirements.txt', report);
  return programs && path.join(programs, 'python');
};

const ensurePython = async (report: (line: string) => void): Promise<string | undefined> => {
  const programs = await ensurePrograms('bench', 'requirements.txt', report);
  return programs && path.join(programs, 'python');
};

/** Installs what is missing, which takes a network and a minute, once. Returns the folder of transformers.js; undefined where it cannot be installed. */
const ensureTransformers = async (report: (line: string) => void): Promise<string | undefined> => {
  const installed = path.join(modules, '@huggingface/transformers');
  if (!(await exists(installed))) {
    report(`installing ${PACKAGES.join(' and ')}, once`);
    // Without scripts: onnxruntime-node's downloads CUDA.
    const flags = ['--no-save', '--no-package-lock', '--ignore-scripts'];
    if (await npm('install', ...flags, ...PACKAGES)) await npm('rebuild', 'aws-lambda-ric');
    else report('they cannot be installed (no network?): the comparison with transformers.js is left out');
  }
  return (await exists(installed)) ? peersFolder : undefined;
};

/** Installs what is missing, as `ensureTransformers` does, and a Python. */
export const ensurePeers = async (report: (line: string) => void): Promise<Peers> => {
  const transformersFolder = await ensureTransformers(report);
  const isBuilt = await exists(path.join(runtimeClient, 'rapid-client.node'));
  if (!isBuilt) report("AWS's runtime client is not built here: a loop of the bench's own stands in for it");
  return {
    transformersFolder,
    python: await ensurePython(report),
    runtimeClient: isBuilt ? path.join(runtimeClient, 'index.mjs') : undefined,
  };
};

/** Programs with their arguments that generate tokens for lines of JSON, by name; without those that cannot be installed. */
export const ensureGenerators = async (
  report: (line: string) => void,
): Promise<Readonly<Record<string, readonly string[]>>> => {
  const programs = await ensurePrograms('genai', 'genai-requirements.txt', report);
  const transformersFolder = await ensureTransformers(report);
  return {
    ...(programs && { genai: [path.join(programs, 'python'), path.join(pythonFolder, 'generate.py')] }),
    ...(transformersFolder && { transformers: [process.execPath, path.join(transformersFolder, 'generate.mjs')] }),
  };
};
