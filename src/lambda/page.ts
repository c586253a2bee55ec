import { createHash } from 'node:crypto';
import { ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import type { HttpResponse } from '../http/message.ts';

/** Texts of the page by the names of their files; `.html` files are its pages. */
export type PageFiles = Readonly<Record<string, string>>;

/** The paths of the pages. */
const PAGES: Readonly<Record<string, string>> = { '/': 'index.html', '/reference': 'reference.html' };

const ASSETS = '/docs/';
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * The page loads nothing but its own files, and shows pictures and sounds that its user has chosen.
 * @param others the origins and hosts that it sends requests to; empty ones are none
 */
const pageHeaders = (others: readonly string[]) => ({
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-cache',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    'media-src blob:',
    ["connect-src 'self'", ...others].filter(Boolean).join(' '),
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'permissions-policy': 'camera=(), geolocation=(), microphone=(self)',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
});

/** The name of a folder that changes with each of the files, so that browsers may keep them for ever. */
const digestOf = (files: PageFiles): string =>
  createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 12);

/** The places that the page sends requests to, beside its own address; empty where it can send none. */
interface PagePlaces {
  readonly streamEndpoint: string;
  readonly uploadHost: string;
}

/**
 * Answers the paths of the page. @returns undefined for any other path
 * @throws `NOT_FOUND` for a file that the page does not have
 */
export const createPage = (
  files: PageFiles,
  { streamEndpoint, uploadHost }: PagePlaces,
): ((path: string) => HttpResponse | undefined) => {
  const pageHead = pageHeaders([streamEndpoint && new URL(streamEndpoint).origin, uploadHost]);
  const folder = `${ASSETS}${digestOf(files)}/`;
  return (path) => {
    const page = Object.hasOwn(PAGES, path) ? files[PAGES[path] ?? ''] : undefined;
    if (page !== undefined) return { status: 200, headers: pageHead, body: page.replaceAll(ASSETS, folder) };
    if (!path.startsWith(ASSETS)) return undefined;
    const name = path.slice(folder.length);
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (!path.startsWith(folder) || !Object.hasOwn(files, name) || type === undefined)
      throw new ServingError('NOT_FOUND', `no file ${shorten(path)}; reload the page`);
    const headers = {
      ...{ 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' },
      'x-content-type-options': 'nosniff',
    };
    return { status: 200, headers, body: files[name] ?? '' };
  };
};
