/** The number of letters to insert, delete or replace that turns `a` into `b`. */
const editDistance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (previous[j] ?? 0) + (letter === b[j] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    previous = row;
  }
  return previous.at(-1) ?? 0;
};

const MOST_SLIPS = 2;

/** The one of `names` that `word` was probably meant to be. */
export const closest = (word: string, names: readonly string[]): string | undefined => {
  const [best] = names.map((name) => ({ name, slips: editDistance(word, name) })).sort((a, b) => a.slips - b.slips);
  return best !== undefined && best.slips <= MOST_SLIPS ? best.name : undefined;
};
