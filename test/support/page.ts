/** The parts of a Markdown page that tests hold to the code. */

/** The text below a heading, without it, up to the next heading of its level or above; empty when there is none. */
export const sectionOf = (page: string, heading: string): string => {
  const [marks = ''] = heading.split(' ', 1);
  const [, section = ''] = page.split(`\n${heading}\n`);
  return section.split(new RegExp(`\\n#{1,${marks.length}} `))[0] as string;
};

/** The headings of one level, in their order. */
export const headingsOf = (page: string, level: number): string[] =>
  [...page.matchAll(new RegExp(`^#{${level}} (.*)$`, 'gm'))].map(([, heading = '']) => heading);

/** The names of headings in links, as GitHub makes them. */
export const anchorsOf = (page: string): string[] =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** The first cells of the first table, without its header. */
export const firstColumn = (section: string): string[] => {
  const [, rows = ''] = /^\|.*\n\|[-:| ]+\n((?:\|.*\n?)*)/m.exec(section) ?? [];
  return [...rows.matchAll(/^\| `?([^`|]+?)`? \|/gm)].map(([, cell = '']) => cell);
};

/** Targets of links that lead to other files of the project, or to a heading. */
export const localLinks = (page: string): string[] =>
  [...page.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link = '']) => link);

/** A request that a page shows, and the answer below it. */
export interface Example {
  readonly command: string;
  readonly answer: string;
}

/** Each `curl` with the next block of JSON. */
export const examplesOf = (page: string): Example[] =>
  [...page.matchAll(/```sh\n(curl [^`]*)```\n(?:(?!```)[\s\S])*?```json\n([^`]*)```/g)].map(
    ([, command = '', answer = '']) => ({ command, answer }),
  );

/** A `curl` with `-H`, `-d` and `--data-binary @file`. */
export const parseCurl = (command: string) => {
  const words = [...command.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? (plain as string),
  );
  const after = (flag: string): string | undefined =>
    words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined;
  const url = new URL(words.find((word) => word.startsWith('http')) as string);
  return {
    path: url.pathname + url.search,
    contentType: after('-H')?.replace('content-type: ', '') ?? '',
    data: after('-d'),
    file: after('--data-binary')?.replace('@', ''),
  };
};
