import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

const FILE = 'CHANGELOG.md';
const UNRELEASED = 'Unreleased';
const USAGE = 'Usage: changelog.ts notes <version> | changelog.ts release <version>';

/** The text below the heading of `name`, up to the heading of the next version. @throws Error if there is none, or it is empty */
const sectionOf = (changelog: string, name: string): string => {
  const sections = changelog.split(/^(?=## \[)/m);
  const section = sections.find((text) => text.startsWith(`## [${name}]`));
  if (section === undefined) throw new Error(`${FILE} has no section "## [${name}]"`);
  const text = section.slice(section.indexOf('\n')).trim();
  if (text === '') throw new Error(`The section "## [${name}]" of ${FILE} is empty`);
  return text;
};

/** The changelog with the unreleased items under `version` and `date`, below an empty section for the next ones. */
const release = (changelog: string, version: string, date: string): string => {
  const items = sectionOf(changelog, UNRELEASED);
  if (changelog.includes(`## [${version}]`)) throw new Error(`${FILE} already has a section "## [${version}]"`);
  return changelog.replace(items, () => `## [${version}] - ${date}\n\n${items}`);
};

const { positionals } = parseArgs({ allowPositionals: true });
const [command, version = ''] = positionals;
const isVersion = /^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/.test(version);

if (isVersion && command === 'notes') {
  console.log(sectionOf(await readFile(FILE, 'utf8'), version));
} else if (isVersion && command === 'release') {
  const date = new Date().toISOString().slice(0, 10);
  await writeFile(FILE, release(await readFile(FILE, 'utf8'), version, date));
} else {
  console.error(USAGE);
  process.exitCode = 2;
}
