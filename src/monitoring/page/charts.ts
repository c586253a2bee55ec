/** Text inside of HTML and SVG. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Bars beside each other in pairs: usual shares, and those of now. */
export interface Pair {
  readonly name: string;
  readonly usual: number;
  readonly now: number;
}

const [WIDTH, HEIGHT, FOOT] = [480, 120, 14];

const figure = (caption: string, svg: string, rows: readonly (readonly string[])[]): string => {
  const cells = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('');
  return `<figure><figcaption>${escapeHtml(caption)}</figcaption>${svg}<details><summary>Numbers</summary><table>${cells}</table></details></figure>`;
};

/** The first and the last name, below a chart. */
const ends = (names: readonly string[]): string => {
  const at = (x: number, anchor: string, name = ''): string =>
    `<text x="${x}" y="${HEIGHT + FOOT - 2}" text-anchor="${anchor}">${escapeHtml(name.slice(0, 30))}</text>`;
  return at(0, 'start', names[0]) + (names.length > 1 ? at(WIDTH, 'end', names.at(-1)) : '');
};

const svgOf = (label: string, content: string): string =>
  `<svg role="img" aria-label="${escapeHtml(label)}" viewBox="0 0 ${WIDTH} ${HEIGHT + FOOT}">${content}</svg>`;

const bar = (kind: string, x: number, width: number, share: number, title: string): string => {
  const height = Math.max(0, share) * HEIGHT;
  const [left, top, across, down] = [x, HEIGHT - height, width, height].map((length) => length.toFixed(1));
  const place = `x="${left}" y="${top}" width="${across}" height="${down}"`;
  return `<rect class="${kind}" ${place}><title>${escapeHtml(title)}</title></rect>`;
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Two histograms over the same bins. */
export const pairedBars = (caption: string, pairs: readonly Pair[]): string => {
  const most = Math.max(1e-9, ...pairs.flatMap(({ usual, now }) => [usual, now]));
  const step = WIDTH / Math.max(1, pairs.length);
  const bars = pairs.map(({ name, usual, now }, index) => {
    const x = index * step;
    return (
      bar('usual', x + step * 0.1, step * 0.38, usual / most, `${name}: usually ${percent(usual)}`) +
      bar('now', x + step * 0.52, step * 0.38, now / most, `${name}: now ${percent(now)}`)
    );
  });
  const rows = [['', 'usually', 'now'], ...pairs.map(({ name, usual, now }) => [name, percent(usual), percent(now)])];
  return figure(caption, svgOf(caption, bars.join('') + ends(pairs.map(({ name }) => name))), rows);
};

/** Bars of amounts. */
export const bars = (caption: string, amounts: readonly (readonly [name: string, amount: number])[]): string => {
  const most = Math.max(1, ...amounts.map(([, amount]) => amount));
  const step = WIDTH / Math.max(1, amounts.length);
  const drawn = amounts.map(([name, amount], index) =>
    bar('now', index * step + step * 0.1, step * 0.8, amount / most, `${name}: ${amount}`),
  );
  const rows = amounts.map(([name, amount]) => [name, String(amount)]);
  return figure(caption, svgOf(caption, drawn.join('') + ends(amounts.map(([name]) => name))), rows);
};

/** Shares with their intervals, 0 to 1, as points with a line from `low` to `high`. */
export const intervals = (
  caption: string,
  points: readonly { readonly name: string; readonly value: number; readonly low: number; readonly high: number }[],
): string => {
  const step = WIDTH / Math.max(1, points.length);
  const y = (share: number): string => (HEIGHT * (1 - share)).toFixed(1);
  const drawn = points.map(({ name, value, low, high }, index) => {
    const x = ((index + 0.5) * step).toFixed(1);
    const title = `<title>${escapeHtml(`${name}: ${percent(value)}, ${percent(low)} to ${percent(high)}`)}</title>`;
    return `<g>${title}<line x1="${x}" x2="${x}" y1="${y(low)}" y2="${y(high)}"/><circle cx="${x}" cy="${y(value)}" r="4"/></g>`;
  });
  const rows = points.map(({ name, value, low, high }) => [
    name,
    percent(value),
    `${percent(low)} to ${percent(high)}`,
  ]);
  return figure(caption, svgOf(caption, drawn.join('') + ends(points.map(({ name }) => name))), rows);
};

/** A table of texts; its first row is the header. A wide one is scrolled by itself, also with the keys. */
export const table = (caption: string, [header = [], ...rows]: readonly (readonly string[])[]): string => {
  const cells = (row: readonly string[], kind: string): string =>
    `<tr>${row.map((cell) => `<${kind}>${escapeHtml(cell)}</${kind}>`).join('')}</tr>`;
  const attributes = `class="wide" role="group" tabindex="0" aria-label="${escapeHtml(caption)}"`;
  const body = rows.map((row) => cells(row, 'td')).join('');
  return `<div ${attributes}><table><caption>${escapeHtml(caption)}</caption>${cells(header, 'th')}${body}</table></div>`;
};
