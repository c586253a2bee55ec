import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SCRIPT = path.resolve('.github/changelog.ts');

const run = (program: string, args: readonly string[], cwd = '.'): Promise<Ran> =>
  new Promise((resolve, reject) => {
    execFile(program, args, { cwd }, (error, stdout, stderr) => {
      const exitCode = error?.code ?? 0;
      if (typeof exitCode === 'number') resolve({ exitCode, stdout, stderr });
      else reject(error);
    });
  });

const notes = (version: string): Promise<Ran> => run('npm', ['run', '--silent', 'release:notes', '--', version]);

const readVersion = async (file: string): Promise<string> =>
  (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;

describe('release notes', () => {
  it('exist for the version of package.json, and are its section of the changelog', async () => {
    const version = await readVersion('package.json');
    const changelog = await readFile('CHANGELOG.md', 'utf8');

    const { exitCode, stdout } = await notes(version);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^### \w+\n\n- /);
    expect(stdout).not.toContain('\n## ');
    const [heading] = new RegExp(`## \\[${version}\\] - \\d{4}-\\d\\d-\\d\\d\n\n`).exec(changelog) ?? [];
    expect(changelog).toContain(`${heading}${stdout}`);
  });

  it('are refused for a version that the changelog does not have', async () => {
    const { exitCode, stdout, stderr } = await notes('99.0.0');

    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('CHANGELOG.md has no section "## [99.0.0]"');
  });

  it.each(['', 'latest', 'v0.1.0', 'Unreleased'])('are refused for "%s", which is no version', async (version) => {
    expect(await notes(version)).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('making a version', () => {
  let folder: string;
  const start = (changelog: string) => writeFile(path.join(folder, 'CHANGELOG.md'), changelog);
  const changelog = () => readFile(path.join(folder, 'CHANGELOG.md'), 'utf8');
  const release = (version: string) => run(process.execPath, [SCRIPT, 'release', version], folder);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'release-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('moves the unreleased items under the version and the date', async () => {
    await start(
      '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- New.\n\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- Old.\n',
    );

    expect(await release('1.1.0')).toMatchObject({ exitCode: 0 });

    const [before, date, after] = (await changelog()).split(/(?<=\[1\.1\.0\] - )(\S+)/);
    expect(before).toBe('# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - ');
    expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(after).toBe('\n\n### Added\n\n- New.\n\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- Old.\n');
  });

  it('is refused when nothing is unreleased', async () => {
    const text = '# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- Old.\n';
    await start(text);

    const { exitCode, stderr } = await release('1.1.0');

    expect(exitCode).toBe(1);
    expect(stderr).toContain('The section "## [Unreleased]" of CHANGELOG.md is empty');
    expect(await changelog()).toBe(text);
  });

  it('is refused when the changelog already has the version', async () => {
    const text = '# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [1.0.0] - 2026-01-01\n\n- Old.\n';
    await start(text);

    const { exitCode, stderr } = await release('1.0.0');

    expect(exitCode).toBe(1);
    expect(stderr).toContain('already has a section "## [1.0.0]"');
    expect(await changelog()).toBe(text);
  });
});
