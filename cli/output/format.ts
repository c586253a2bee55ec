import { toPercent } from '../../src/core/to-percent.ts';

/** Rows in columns as wide as their widest cell. */
export const formatTable = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

/** Fields of one thing: an indented line for each, with the values below each other. */
export const formatFields = (fields: Readonly<Record<string, string | readonly string[]>>): string =>
  formatTable(
    Object.entries(fields).flatMap(([name, value]) =>
      [value].flat().map((line, index) => [index === 0 ? `  ${name}` : '', line]),
    ),
  );

/** `10 %`, of 0.1. */
export const formatShare = (share: number): string => `${toPercent(share)} %`;

/** `2026-11-23 12:30`, of an ISO 8601 time, in UTC. */
export const formatDate = (time: string): string => time.slice(0, 16).replace('T', ' ');
