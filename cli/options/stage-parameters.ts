import { ServingError } from '../../src/core/errors.ts';

/** The block of `params` that holds for every stage. */
export const DEFAULT_BLOCK = 'default';

export interface ParameterChange {
  /** The whole text of the new file. */
  readonly text: string;
  /** Lines that go and lines that come, behind `-` and `+`; none when the file has the parameters already. */
  readonly difference: readonly string[];
}

const indentOf = (line: string): number => line.length - line.trimStart().length;
const isBlank = (line: string): boolean => /^\s*(#.*)?$/.test(line);

/** The line behind the last one of the block that begins at `start`: blank lines and comments at its end are not of it. */
const endOf = (lines: readonly string[], start: number): number => {
  const indent = indentOf(lines[start] ?? '');
  let end = start + 1;
  for (let index = start + 1; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (isBlank(line)) continue;
    if (indentOf(line) <= indent) break;
    end = index + 1;
  }
  return end;
};

const missing = (name: string): ServingError =>
  new ServingError('INVALID_REQUEST', `serverless.yml has no block ${name}; set the parameters by hand`);

/**
 * Sets parameters in a block of `params` of a serverless.yml, which it makes where it is missing. Everything else stays, comments too.
 * @param block a stage, or `default`
 * @throws `INVALID_REQUEST` for a file without `params`
 */
export const setStageParameters = (
  text: string,
  block: string,
  parameters: Readonly<Record<string, string | number>>,
): ParameterChange => {
  const lines = text.split('\n');
  const difference: string[] = [];
  const params = lines.findIndex((line) => /^params:\s*(#.*)?$/.test(line));
  if (params === -1) throw missing('params');
  const find = (matches: (line: string) => boolean, from: number): number => {
    const end = endOf(lines, from);
    return lines.findIndex((line, index) => index > from && index < end && matches(line));
  };
  let start = find((line) => line.startsWith(`  ${block}:`), params);
  if (start === -1) {
    const defaults = find((line) => line.startsWith(`  ${DEFAULT_BLOCK}:`), params);
    if (defaults === -1) throw missing('params.default');
    start = endOf(lines, defaults);
    lines.splice(start, 0, `  ${block}:`);
    difference.push(`+  ${block}:`);
  }
  for (const [name, value] of Object.entries(parameters)) {
    const place = find((line) => line.startsWith(`    ${name}:`), start);
    const before = lines[place];
    const after = `    ${name}: ${value}${/\s+#.*$/.exec(before ?? '')?.[0] ?? ''}`;
    if (before === after) continue;
    if (before === undefined) lines.splice(endOf(lines, start), 0, after);
    else lines[place] = after;
    difference.push(...(before === undefined ? [] : [`-${before}`]), `+${after}`);
  }
  return { text: lines.join('\n'), difference };
};
