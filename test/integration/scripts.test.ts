import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';

interface TextFile {
  readonly file: string;
  readonly text: string;
}

const DOCUMENTS = ['*.md', '{.github,docs,examples,extensions,models,test}/**/*.md'];
const CODE = [
  '*.{mjs,ts,yml}',
  '{.github,cli,events,examples,extensions,functions,layers,local,models,src,test}/**/*.{cjs,mjs,py,ts,yml}',
  '.ci/run',
];

const read = (...patterns: readonly string[]): TextFile[] =>
  globSync(patterns, { exclude: ['**/.venv', '**/build', '**/node_modules'] })
    .sort()
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));

const files = read(...DOCUMENTS, ...CODE);
const workflows = read('.github/workflows/*.yml');
const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: Record<string, string> };

/** Scripts of package.json that `text` names, such as `lint` of `npm run lint`. */
const namedScripts = (text: string): string[] =>
  [...text.matchAll(/\bnpm (?:run (?:--silent )?([a-z][\w:-]*)|(start|test)\b)/g)].map(
    ([, script, shorthand]) => script ?? shorthand ?? '',
  );

const findIn = (find: (text: string) => readonly string[]): string[] =>
  files.flatMap(({ file, text }) => find(text).map((found) => `${file}: ${found}`));

describe('npm scripts', () => {
  it('exist, where a document, the code or a workflow names them', () => {
    expect(findIn(namedScripts).length).toBeGreaterThan(20);
    expect(findIn((text) => namedScripts(text).filter((script) => !(script in scripts)))).toEqual([]);
  });

  // On Node 20 `node` runs no TypeScript; an npm script finds the Node that package.json pins.
  it('are named in the place of `node` with a TypeScript file', () => {
    const command = /\bnode (?:-\S+ )*[^\s`'"]+\.ts\b.*/g;
    expect(scripts.start).toMatch(command);
    expect(findIn((text) => text.match(command) ?? [])).toEqual([]);
  });

  it('end the server of npm start by the signal that ends npm, which reaches the shell of the script alone', async () => {
    const clone = await mkdtemp(join(tmpdir(), 'start-'));
    try {
      await mkdir(join(clone, 'local'));
      await writeFile(join(clone, 'local/main.ts'), 'console.log(process.pid); setInterval(() => {}, 1_000);');
      const shell = spawn('sh', ['-c', scripts.start ?? ''], { cwd: clone, stdio: ['ignore', 'pipe', 'ignore'] });
      const [line] = (await once(shell.stdout, 'data')) as [Buffer];
      process.kill(Number(line), 'SIGKILL');
      expect(Number(line)).toBe(shell.pid);
    } finally {
      await rm(clone, { recursive: true });
    }
  });
});

interface Job {
  readonly uses?: string;
  readonly 'timeout-minutes'?: number;
  readonly steps?: readonly { readonly uses?: string; readonly run?: string }[];
}
interface Workflow {
  readonly permissions: unknown;
  readonly concurrency: { readonly group: string };
  readonly jobs: Readonly<Record<string, Job>>;
}

describe.each(workflows.map(({ file, text }) => [file, load(text) as Workflow] as const))(
  'the workflow %s',
  (_file, workflow) => {
    const jobs = Object.values(workflow.jobs);

    it('may only read, where a job asks for no more', () => {
      expect(workflow.permissions).toEqual({ contents: 'read' });
    });

    it('has a concurrency group, and a timeout for every job of its own', () => {
      expect(workflow.concurrency.group).toContain('github.ref');
      for (const job of jobs) expect(job).toHaveProperty(job.uses ? 'uses' : 'timeout-minutes');
    });

    it('pins every action by major version or commit', () => {
      const actions = jobs.flatMap(({ steps = [] }) => steps.flatMap(({ uses }) => uses ?? []));
      expect(actions).not.toEqual([]);
      for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@(v\d+|[0-9a-f]{40})$/);
    });
  },
);

it('CI covers both processors, and the oldest and the newest Node that are promised', async () => {
  const { jobs } = load(await readFile('.github/workflows/ci.yml', 'utf8')) as {
    jobs: Record<'complete' | 'promised', { strategy: { matrix: unknown } }>;
  };
  const { engines } = JSON.parse(await readFile('package.json', 'utf8')) as { engines: { node: string } };
  const oldest = Number(engines.node.replace('>=', ''));
  const newest = Number.parseInt(await readFile('.nvmrc', 'utf8'), 10);

  expect(jobs.complete.strategy.matrix).toEqual({ runner: ['ubuntu-24.04', 'ubuntu-24.04-arm'] });
  expect(jobs.promised.strategy.matrix).toEqual({
    include: expect.arrayContaining([
      { runner: 'ubuntu-24.04', node: oldest },
      { runner: 'ubuntu-24.04', node: newest },
      { runner: 'macos-15', node: newest },
    ]),
  });
});
