import { glob, readFile } from 'node:fs/promises';
import { type Kind, type Survey, surveyMarkdown, surveyTypeScript } from './findings.ts';

const GENRES = {
  docstrings: {
    survey: surveyTypeScript,
    files: ['functions', 'src', 'cli', 'local', 'layers'].map((folder) => `${folder}/**/*.ts`),
  },
  markdown: {
    survey: surveyMarkdown,
    files: ['{README,CONTRIBUTING,CHANGELOG,SECURITY}.md', 'docs/**/*.md', 'models/*/README.md', 'test/reference/*.md'],
  },
};

export type Genre = keyof typeof GENRES;

export interface SurveyedFile extends Survey {
  readonly genre: Genre;
  readonly path: string;
}

/** How often each kind of finding occurs. */
export type Counts = Readonly<Record<Kind, number>>;

/** Where the counts that may not grow are kept. */
export const RECORD = 'test/fixtures/prose.json';

export const genres = Object.keys(GENRES) as Genre[];

/** Surveys every document and source file of the project, which is the working directory. */
export async function surveyProject(): Promise<SurveyedFile[]> {
  const files = await Promise.all(genres.map(surveyGenre));
  return files.flat();
}

async function surveyGenre(genre: Genre): Promise<SurveyedFile[]> {
  const { files, survey } = GENRES[genre];
  const excluded = ['**/node_modules/**', 'layers/*/build/**'];
  const paths: string[] = [];
  for await (const path of glob(files, { exclude: excluded })) paths.push(path);
  return Promise.all(paths.toSorted().map(async (path) => ({ genre, path, ...survey(await readFile(path, 'utf8')) })));
}

export function countFindings(files: readonly Survey[]): Counts {
  const count = (kind: Kind) => files.flatMap(({ findings }) => findings).filter((one) => one.kind === kind).length;
  return { 'long sentence': count('long sentence'), 'long line': count('long line'), opening: count('opening') };
}

export async function readRecord(): Promise<Record<Genre, Counts>> {
  return JSON.parse(await readFile(RECORD, 'utf8')) as Record<Genre, Counts>;
}
