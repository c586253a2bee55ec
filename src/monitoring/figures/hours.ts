import { FIGURES_PREFIX } from '../../repository/keys.ts';

/** `2026-11-26` and `08`, of a time in UTC. */
export const hourOf = (ms: number): { readonly day: string; readonly hour: string } => {
  const text = new Date(ms).toISOString();
  return { day: text.slice(0, 10), hour: text.slice(11, 13) };
};

/** The folder of a day's figures; the names in it begin with the hour. */
export const dayPrefix = (model: string, day: string): string => `${FIGURES_PREFIX}${model}/${day}/`;
