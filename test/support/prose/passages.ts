/** A line of a file, without the margin of a comment. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** A text of its own: a paragraph, a list item, a table cell, a heading. */
export interface Passage {
  readonly kind: 'heading' | 'prose';
  readonly lines: readonly Line[];
}

const FENCE = /^\s*(```|~~~)/;
const HEADING = /^#+\s+/;
const TABLE_ROW = /^\s*\|/;
const SEPARATOR_ROW = /^[\s|:-]+$/;
const LIST_ITEM = /^\s*(?:[-*+]|\d+\.)\s+/;
const INDENTED_CODE = /^(?: {4}|\t)/;

/** Splits Markdown into passages; code blocks and the separator rows of tables are left out. */
export function markdownPassages(lines: readonly Line[]): Passage[] {
  const passages: Passage[] = [];
  let paragraph: Line[] = [];
  let inFence = false;
  const endParagraph = () => {
    if (paragraph.length > 0) passages.push({ kind: 'prose', lines: paragraph });
    paragraph = [];
  };
  for (const { number, text: quoted } of lines) {
    const text = quoted.replace(/^> ?/, '');
    if (FENCE.test(text)) {
      endParagraph();
      inFence = !inFence;
    } else if (inFence || text.trim() === '') {
      endParagraph();
    } else if (HEADING.test(text)) {
      endParagraph();
      passages.push({ kind: 'heading', lines: [{ number, text: text.replace(HEADING, '') }] });
    } else if (TABLE_ROW.test(text)) {
      endParagraph();
      passages.push(...cells(text).map((cell): Passage => ({ kind: 'prose', lines: [{ number, text: cell }] })));
    } else if (LIST_ITEM.test(text)) {
      endParagraph();
      paragraph = [{ number, text: text.replace(LIST_ITEM, '') }];
    } else if (paragraph.length > 0 || !INDENTED_CODE.test(text)) {
      paragraph.push({ number, text: text.trim() });
    }
  }
  endParagraph();
  return passages;
}

function cells(row: string): string[] {
  if (SEPARATOR_ROW.test(row)) return [];
  return row
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())
    .filter((cell) => cell !== '');
}

/** Splits the docstrings of a TypeScript file into passages; each block tag such as `@throws` begins one. */
export function docstringPassages(source: string): Passage[] {
  const docstrings = source.matchAll(/^[ \t]*\/\*\*(?!\/)([\s\S]*?)\*\//gm);
  return [...docstrings].flatMap((docstring) => {
    const first = source.slice(0, docstring.index).split('\n').length;
    const lines = (docstring[1] ?? '').split('\n').map((text, index) => ({
      number: first + index,
      text: text.replace(index === 0 ? /^ / : /^\s*\* ?/, '').trimEnd(),
    }));
    return markdownPassages(lines.flatMap(separateTags));
  });
}

function separateTags({ number, text }: Line): Line[] {
  const [before = '', ...tagged] = text.split(/(?:^|\s)@[a-z]+\b\s*/);
  return [{ number, text: before }, ...tagged.flatMap((description) => [blank(number), { number, text: description }])];
}

const blank = (number: number): Line => ({ number, text: '' });
