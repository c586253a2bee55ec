import { colourOf, h, showMs, svg } from './dom.js';

/** The parts of the time as a bar. */
export const timeBar = (all, ms) => {
  let at = 0;
  const parts = all.map(([, each], index) => {
    const rect = svg('rect', { x: at, y: 0, width: each, height: 1, fill: colourOf(index) });
    at += each;
    return rect;
  });
  const label = `${showMs(ms)}: ${all.map(([name, each]) => `${name} ${showMs(each)}`).join(', ')}`;
  const bar = svg(
    'svg',
    { class: 'timing', viewBox: `0 0 ${at || 1} 1`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    ...parts,
  );
  const key = all.map(([name, each], index) =>
    h(
      'li',
      {},
      svg(
        'svg',
        { viewBox: '0 0 1 1', 'aria-hidden': 'true' },
        svg('rect', { width: 1, height: 1, fill: colourOf(index) }),
      ),
      ` ${name} ${showMs(each)}`,
    ),
  );
  return h('div', {}, h('h3', {}, `Time: ${showMs(ms)}`), bar, h('ul', { class: 'key' }, ...key));
};

/** The parts of the time: an upload, the steps of the server, and the way there and back. */
export const timingOf = ({ timing, uploadMs, ms }) => {
  const upload = uploadMs === undefined ? [] : [['upload', uploadMs]];
  const served = [...timing.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name, text]) => [name, Number(text)]);
  const steps = [...upload, ...served];
  const inside = steps.reduce((sum, [, each]) => sum + each, 0);
  return timeBar([...steps, ['way', Math.max(0, ms - inside)]], ms);
};
