import { describe, expect, it } from '@jest/globals';
import { defineCommand } from '../../../../cli/command.ts';
import { parseCommandLine } from '../../../../cli/options/arguments.ts';

const paint = defineCommand({
  summary: 'paints',
  description: 'Paints.',
  positionals: ['wall', 'colour'],
  options: {
    coats: { type: 'string', value: '<number>', description: 'how often' },
    tool: { type: 'string', multiple: true, value: '<tool>', description: 'with what' },
    quick: { type: 'boolean', description: 'at once' },
  },
  run: async () => ({ text: '', json: {} }),
});
const rest = defineCommand({ ...paint, positionals: [], options: {} });
const parse = (...words: string[]) => parseCommandLine(words, { paint: async () => paint, rest: async () => rest });

describe('the command line', () => {
  it('a command line names a command, its arguments and its options, in any order', async () => {
    expect(
      await parse('paint', '--coats', '2', 'north', '--tool=brush', 'red', '--tool', 'ladder', '--quick'),
    ).toMatchObject({
      name: 'paint',
      command: paint,
      positionals: ['north', 'red'],
      values: { coats: '2', tool: ['brush', 'ladder'], quick: true },
    });
  });

  it.each([[[]], [['help']], [['--help']], [['-h']]])('%j asks for help', async (words) => {
    expect(await parse(...words)).toBe('help');
  });

  it.each([[['paint', '--help']], [['paint', '-h']], [['help', 'paint']]])(
    '%j asks for help on a command without its arguments',
    async (words) => {
      expect(await parse(...words)).toMatchObject({ name: 'paint', values: { help: true } });
    },
  );

  it('--version asks for the version of the program', async () => {
    expect(await parse('--version')).toBe('version');
  });

  it.each([
    ['there is no command pait; did you mean paint?', ['pait', 'x']],
    ['there is no command constructor', ['constructor']],
    ['a command has to come before --stage', ['--stage', 'dev', 'paint']],
    ["Unknown option '--caots'; did you mean --coats?", ['paint', 'a', 'b', '--caots', '2']],
    ["Unknown option '--sotre'; did you mean --store?", ['rest', '--sotre', 'x']],
    ["Unknown option '--zzzzzz' (", ['rest', '--zzzzzz']],
    ["Option '--coats <value>' argument missing", ['paint', 'a', 'b', '--coats']],
    ["Option '--quick' does not take an argument", ['paint', 'a', 'b', '--quick=yes']],
    ['there is no command pait; did you mean paint?', ['help', 'pait']],
    ['paint takes <wall> <colour>, not "north"', ['paint', 'north']],
    ['paint takes <wall> <colour>, and nothing was given', ['paint', '--quick']],
    ['rest takes no arguments, not "today"', ['rest', 'today']],
  ])('a command line is refused with: %s', async (message, words) => {
    await expect(parse(...words)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining(message) }),
    );
  });
});
