import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from '@jest/globals';

/** What a file may take: CPU time of the reader, and memory of its process, with that of Node itself. */
const MOST_MS = 2000;
const MOST_BYTES = 500e6;
const MOST_HEAP_MB = 400;

/** A process that prints nothing for so long hangs, whatever the load of the machine. */
const SILENCE_MS = 120_000;

interface Line {
  readonly name: string;
  readonly isStarted?: boolean;
  readonly read?: number;
  readonly refused?: number;
  readonly converted?: number;
  readonly message?: string;
  readonly slowestMs?: number;
  readonly peakBytes?: number;
  readonly isDenied?: boolean;
  readonly polluted?: readonly string[];
  readonly causes?: readonly string[];
  readonly differentFiles?: number;
}

/** Reads the corpus in a process that may read the project, and may neither write, nor start a process, a thread or an add-on. */
const readCorpus = async (): Promise<readonly Line[]> => {
  const guards = [
    '--permission',
    `--allow-fs-read=${process.cwd()}/`,
    '--allow-fs-read=/proc/self/status', // its own peak
    `--max-old-space-size=${MOST_HEAP_MB}`,
    '--expose-gc',
  ];
  const child = spawn(process.execPath, [...guards, 'test/support/hostile/main.ts'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const watchdog = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
  const lines: Line[] = [];
  for await (const line of createInterface(child.stdout)) {
    watchdog.refresh();
    lines.push(JSON.parse(line));
  }
  clearTimeout(watchdog);
  return lines;
};

describe('hostile files', () => {
  let lines: readonly Line[] = [];
  let results: readonly Line[] = [];
  const find = (name: string): Line | undefined => results.find((line) => line.name === name);

  beforeAll(async () => {
    lines = await readCorpus();
    results = lines.filter(({ slowestMs }) => slowestMs !== undefined);
  });

  it('the process that reads them can do nothing else', () => {
    expect(lines[0]).toEqual({ name: 'guard', isDenied: true });
  });

  it('each ends, as a refusal or as data, and the process outlives it', () => {
    const started = lines.filter(({ isStarted }) => isStarted).map(({ name }) => name);
    expect(results.map(({ name }) => name)).toEqual(started);
    expect(lines.at(-1)?.name).toBe('end');
  });

  it('there are more than 300, all different', () => {
    expect(results.filter(({ name }) => name.startsWith('pickle: ')).length).toBeGreaterThanOrEqual(250);
    expect(results.filter(({ name }) => name.startsWith('skops: ')).length).toBeGreaterThanOrEqual(50);
    expect(lines.at(-1)?.differentFiles).toBe(results.filter(({ name }) => name.includes(': ')).length);
  });

  it('each is refused with a sentence of a bounded length, as data at the latest when it is converted', () => {
    const named = results.filter(({ name }) => name.includes(': '));
    expect(named.filter(({ converted }) => converted !== 0)).toEqual([]);
    expect(named.filter(({ message = '' }) => !/^.{20,400}$/s.test(message) || /\n\s+at /.test(message))).toEqual([]);
  });

  it('none runs, writes or changes anything', () => {
    const { polluted, causes } = lines.at(-1) ?? {};
    expect(polluted).toEqual([]);
    expect(causes?.filter((cause) => /access|permission|call stack/i.test(cause))).toEqual([]);
    expect(existsSync('canary')).toBe(false);
  });

  it('none takes more time than a file of its size may', () => {
    expect(results.filter(({ slowestMs }) => (slowestMs ?? Infinity) > MOST_MS)).toEqual([]);
  });

  it('none takes more memory than a file of its size may', () => {
    expect(results.filter(({ peakBytes }) => (peakBytes ?? Infinity) > MOST_BYTES)).toEqual([]);
  });

  it.each(['pickle: os.system', 'pickle: builtins.eval', 'pickle: a chain of getattr', 'skops: a function of os'])(
    '%s is data',
    (name) => {
      expect(find(name)).toMatchObject({ read: 1, refused: 0 });
    },
  );

  it.each(['os.system', 'builtins.eval', 'subprocess.Popen', 'pickle.loads', 'joblib.load'])(
    'a call of %s is refused by that name, and with the word that it was not run',
    (name) => {
      const message = expect.stringMatching(
        /: it is no class of scikit-learn, .*, and nothing of it was run: put a fitted model/,
      );
      expect(find(`pickle: ${name}`)).toMatchObject({ message });
      expect(find(`pickle: ${name}`)?.message?.startsWith(`${name}: `)).toBe(true);
    },
  );

  it.each(['pickle: NEXT_BUFFER', 'pickle: a bomb of gzip', 'pickle: torch.load', 'skops: a bomb by its directory'])(
    '%s is refused',
    (name) => {
      expect(find(name)).toMatchObject({ read: 0, refused: 1 });
    },
  );

  it('a real file that was cut short is refused, wherever it was cut', () => {
    expect(find('cut after every byte')).toMatchObject({ read: 0 });
    expect(find('cut after every byte')?.refused).toBeGreaterThan(20_000);
  });

  it('files with every opcode, and with bytes that differ, are refused or are data', () => {
    const [codes, flips] = [find('every opcode'), find('bytes that differ')];
    expect((codes?.read ?? 0) + (codes?.refused ?? 0)).toBeGreaterThan(9000);
    expect((flips?.read ?? 0) + (flips?.refused ?? 0) + (flips?.converted ?? 0)).toBe(2000);
  });
});
