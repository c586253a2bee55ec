import { describe, expect, it } from '@jest/globals';
import { surveyMarkdown, surveyTypeScript } from '../support/prose/findings.ts';
import { countFindings, genres, RECORD, readRecord, surveyProject } from '../support/prose/project.ts';

const files = await surveyProject();
const record = await readRecord();
const kinds = ['long sentence', 'long line', 'opening'] as const;
const cases = genres.flatMap((genre) => kinds.map((kind) => ({ genre, kind })));

const words = (count: number) => Array.from({ length: count }, () => 'do').join(' ');

describe('prose', () => {
  it.each(cases)('has no more findings than recorded: $genre, $kind', ({ genre, kind }) => {
    const count = countFindings(files.filter((file) => file.genre === genre))[kind];
    const recorded = record[genre][kind];

    if (count > recorded) {
      throw new Error(`${genre}: ${count} of "${kind}", ${recorded} in ${RECORD}; see npm run prose -- --list`);
    }
    if (count < recorded) {
      throw new Error(`${genre}: only ${count} of "${kind}", ${recorded} in ${RECORD}: npm run prose -- --record`);
    }
  });

  it('is surveyed in documents and in the sources of every folder', () => {
    const folders = new Set(files.filter(({ sentences }) => sentences > 0).map(({ path }) => path.split('/')[0]));

    expect([...folders]).toEqual(
      expect.arrayContaining(['functions', 'src', 'cli', 'local', 'layers', 'README.md', 'docs', 'models']),
    );
  });

  it.each([
    ['a paragraph over two lines', `${words(15)}\n${words(15)}.`, ['long sentence']],
    ['two sentences of a paragraph one by one', `${words(29)}.\n${words(29)}.`, []],
    ['inline code of many words as one', `\`${words(40)}\` is code.`, []],
    ['the text of a link, not its target', `See [the page](https://example.org/${'x'.repeat(80)}).`, []],
    [
      'cells of a table one by one',
      `| ${words(20)} | ${words(20)} |\n|---|---|\n| ${words(30)} | x y |`,
      ['long sentence'],
    ],
    ['items of a list one by one', `- ${words(20)}\n- ${words(20)}`, []],
    ['numbers within a sentence', `In order: 1. ${words(15)}; 2. ${words(15)}.`, ['long sentence']],
    ['no code block', `\`\`\`\nWhat ${words(40)}\n\`\`\``, []],
    ['a line of 160 characters', 'x'.repeat(160), ['long line']],
    ['no row of a table as a long line', `| ${'x'.repeat(160)} |`, []],
    ['a noun clause', 'What remains is kept.', ['opening']],
    ['a noun clause after another sentence', 'It runs. Whether it ends is open.', ['opening']],
    ['a comparison in front', 'As `Promise.all` does.', ['opening']],
    ['a pronoun of two words', 'The same for rows.', ['opening']],
    ['no conjunction', 'When it ends, the rest runs.', []],
    ['no word that only begins like one', 'One-sided answers, thanks to Whichever.', []],
    ['no heading', '## What to choose', []],
  ])('is counted in Markdown: %s', (_name, text, expected) => {
    expect(surveyMarkdown(text).findings.map(({ kind }) => kind)).toEqual(expected);
  });

  it('is found in docstrings with the line that it stands in', () => {
    const source = `const glob = '/**/what*/';\n/** Fine. Which is not. @throws what it likes */\n/**\n * Good.\n *\n *     what code\n *\n * Of two.\n */`;

    expect(surveyTypeScript(source)).toEqual({
      sentences: 3,
      findings: [
        { line: 2, kind: 'opening', text: 'Which is not.' },
        { line: 2, kind: 'opening', text: 'what it likes' },
        { line: 8, kind: 'opening', text: 'Of two.' },
      ],
    });
  });
});
