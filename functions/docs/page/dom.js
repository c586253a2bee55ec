/** An element with properties and children. `class`, `for` and attributes with a hyphen are set as attributes. */
export const h = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name in element && !name.includes('-')) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return element;
};

const SVG = 'http://www.w3.org/2000/svg';

export const svg = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

export const byId = (id) => document.getElementById(id);

/** A number as people read it. */
export const show = (value) => (Number.isInteger(value) ? String(value) : Number(value).toPrecision(4));

/** A time as people read it. */
export const showMs = (ms) => {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 10 ? Math.round(ms) : ms.toFixed(1)} ms`;
};

/** More rows than a person reads take a browser seconds to lay out. */
const MOST_ROWS = 1_000;

export const table = (caption, head, rows) =>
  h(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      {},
      h(
        'caption',
        { class: 'quiet' },
        caption,
        rows.length > MOST_ROWS && `: the first ${MOST_ROWS} of ${rows.length}`,
      ),
      h('thead', {}, h('tr', {}, ...head.map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, ...rows.slice(0, MOST_ROWS).map((row) => h('tr', {}, ...row.map((cell) => toCell(cell))))),
    ),
  );

const toCell = (cell) =>
  typeof cell === 'number' ? h('td', { class: 'number' }, show(cell)) : h('td', {}, cell ?? '');

/** Colours that differ in both schemes, and for most colour-blind people. */
export const COLOURS = ['#2463c4', '#c2410c', '#0f766e', '#9333ea', '#a16207', '#be185d', '#4d7c0f', '#475569'];

export const colourOf = (index) => COLOURS[index % COLOURS.length];
