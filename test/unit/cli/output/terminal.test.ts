import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createTerminal } from '../../../../cli/output/terminal.ts';

const open = (isTTY: boolean, typed?: string) => {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 60 });
  if (typed !== undefined) stdin.end(typed);
  const terminal = createTerminal({ stdin, stdout: new PassThrough(), stderr });
  return { terminal, written: () => (stderr.read() as Buffer | null)?.toString() ?? '' };
};

describe('progress', () => {
  it('progress is a bar on one line that goes when all is done', () => {
    const { terminal, written } = open(true);
    const show = terminal.progress('Uploading');
    show(2_500_000, 10_000_000);
    expect(written()).toBe('\r\u001b[KUploading ████████░░░░░░░░░░░░░░░░░░░░░░ 25 % of 10.0 MB');
    show(10_000_000, 10_000_000);
    expect(written()).toBe('\r\u001b[K');
  });

  it('progress is not drawn for every chunk', () => {
    const { terminal, written } = open(true);
    const show = terminal.progress('Uploading');
    for (let done = 0; done < 1000; done += 1) show(done, 1_000_000);
    expect(written().split('\r').length).toBeLessThan(100);
  });

  it('progress is not written to a file', () => {
    const { terminal, written } = open(false);
    terminal.progress('Uploading')(1, 2);
    expect(written()).toBe('');
  });
});

describe('a step', () => {
  it('a step of unknown length is one line, which the next step replaces', () => {
    const { terminal, written } = open(true);
    terminal.step('Baking the graphs');
    terminal.step('');
    expect(written()).toBe('\r\u001b[KBaking the graphs …\r\u001b[K');
  });

  it('a step is not written to a file', () => {
    const { terminal, written } = open(false);
    terminal.step('Baking the graphs');
    expect(written()).toBe('');
  });
});

describe('a question', () => {
  it.each([
    ['y\n', true],
    ['YES\n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
    ['', false],
  ])('a question answered with %j is %s', async (typed, confirmed) => {
    const { terminal, written } = open(true, typed);
    expect(await terminal.confirm('Delete all', 'say --yes')).toBe(confirmed);
    expect(written()).toContain('Delete all? [y/N]');
  });

  it('a question is not asked without a terminal', async () => {
    const { terminal } = open(false, 'y\n');
    await expect(terminal.confirm('Delete all', 'say --yes')).rejects.toThrow(/Delete all.*say --yes/);
  });
});
