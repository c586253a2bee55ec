import type { Outcome } from './check-case.ts';

const TITLES: Readonly<Record<Outcome['kind'], string>> = {
  served: 'served, and equal',
  warm: 'served, and equal, after a push with --warmup',
  uncarried: 'values that requests in JSON do not carry',
  runtime: 'the runtime does not run it, or answers otherwise by itself',
  refused: 'refused',
  unequal: 'served, and not equal',
};

/** Reasons without names and numbers, so that like ones count together. */
const toGroup = (reason: string): string =>
  reason
    .replace(/'[^']*'|"[^"]*"/g, '…')
    .replace(/^Load model from \S+ failed:/, '')
    .replace(/(?<![\w.])-?\d+(\.\d+)?(e[-+]?\d+)?/g, 'n')
    .slice(0, 140);

/** A table of the outcomes, with the reasons of each kind by frequency and an example of each. */
export const toTable = (outcomes: ReadonlyMap<string, Outcome>): string => {
  const lines: string[] = [];
  for (const [kind, title] of Object.entries(TITLES)) {
    const found = [...outcomes].filter(([, outcome]) => outcome.kind === kind);
    lines.push(`${String(found.length).padStart(6)}  ${title}`);
    const groups = Map.groupBy(found, ([, outcome]) => ('reason' in outcome ? toGroup(outcome.reason) : ''));
    for (const [reason, members] of [...groups].sort(([, a], [, b]) => b.length - a.length))
      if (reason !== '') lines.push(`${String(members.length).padStart(12)}  ${reason} (${members[0]?.[0]})`);
  }
  return lines.join('\n');
};
