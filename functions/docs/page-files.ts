import { readdirSync, readFileSync } from 'node:fs';

/*
 * The files of the page, by their names. This module reads them from disk, for `npm start`. In bundles, esbuild.config.ts puts their
 * texts in its place.
 */

const FOLDER = new URL('./page/', import.meta.url);

export const PAGE_FILES: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')]),
);
