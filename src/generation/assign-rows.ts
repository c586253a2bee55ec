import type { Hypothesis, Search } from './search.ts';

/** A search that goes on, and the hypotheses that it continues. */
export interface Running {
  readonly search: Search;
  readonly hypotheses: readonly Hypothesis[];
}

interface Assigned extends Hypothesis {
  readonly search: Search;
  /** Row that the hypothesis comes from. */
  readonly source: number;
  row: number;
}

/**
 * Gives every hypothesis a row: its own if possible, otherwise a row that its search has left. So little of the cache has to move.
 * @param owners the search of each row's last hypothesis
 * @returns the hypotheses in the order of `running`
 */
export const assignRows = (running: readonly Running[], owners: readonly Search[]): Assigned[] => {
  const assigned = running.flatMap(({ search, hypotheses }) =>
    hypotheses.map(({ ids, row }) => ({ search, ids, source: row, row: -1 })),
  );
  const rows = assigned.map((): Assigned | undefined => undefined);
  const place = (hypothesis: Assigned, row: number): void => {
    rows[row] = hypothesis;
    hypothesis.row = row;
  };
  for (const hypothesis of assigned)
    if (hypothesis.source < rows.length && rows[hypothesis.source] === undefined) place(hypothesis, hypothesis.source);
  for (const hypothesis of assigned) {
    if (hypothesis.row >= 0) continue;
    const left = rows.findIndex((other, row) => other === undefined && owners[row] === hypothesis.search);
    place(hypothesis, left >= 0 ? left : rows.indexOf(undefined));
  }
  return assigned;
};
