/**
 * True when the header `if-none-match` has the tag of a text, which is quoted and strong. Weak tags count as strong ones.
 * https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
 */
export const isKnown = (header: string | undefined, etag: string): boolean =>
  header?.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, ''))) ?? false;
