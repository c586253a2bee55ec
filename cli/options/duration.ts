import { misuse } from './misuse.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90s`, `30m`, `2h` or `1d`. @throws `INVALID_REQUEST` */
export const parseDuration = (option: string, text: string): number => {
  const [, digits, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS[unit];
  if (digits !== undefined && unitMs !== undefined) return Number(digits) * unitMs;
  misuse(`${option} is ${text}, expected a time such as 90s, 30m, 2h or 1d`);
};
