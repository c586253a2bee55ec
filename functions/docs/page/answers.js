import { colourOf, h, show, table } from './dom.js';

const isShare = (score) => score >= 0 && score <= 1;

/** A probability with as many digits as those below it. */
const showScore = (score) => (isShare(score) ? score.toFixed(4) : show(score));

const scoreOf = (label, score) =>
  h(
    'span',
    { class: 'score' },
    isShare(score) && h('meter', { value: score, 'aria-label': `${label}: ${showScore(score)}` }),
    showScore(score),
  );

const bars = (caption, labels) =>
  table(
    caption,
    ['label', 'score'],
    labels.map(({ label, score }) => [label, scoreOf(label, score)]),
  );

/** What was sent, and beside it what the model says of it. */
const beside = (...parts) => [h('div', { class: 'beside' }, ...parts)];

const load = async (file, alt = '') => {
  const image = h('img', { alt });
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    return image;
  } catch {
    return undefined; // a format that the browser does not show
  } finally {
    URL.revokeObjectURL(image.src);
  }
};

const labelColours = (boxes) => {
  const labels = [...new Set(boxes.map(({ label }) => label))];
  return (label) => colourOf(labels.indexOf(label));
};

/** The picture with the boxes and their labels over it. */
const drawBoxes = async (file, boxes) => {
  const image = await load(file);
  if (image === undefined) return h('p', { class: 'quiet' }, 'The browser does not show this kind of picture.');
  const canvas = h('canvas', { width: image.naturalWidth, height: image.naturalHeight, role: 'img' });
  const list = boxes.map(({ label, score }) => `${label} ${show(score)}`).join(', ');
  canvas.setAttribute('aria-label', `The picture with ${boxes.length} boxes: ${list || 'none'}`);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const size = Math.max(12, Math.round(canvas.width / 45));
  const colour = labelColours(boxes);
  context.font = `600 ${size}px system-ui, sans-serif`;
  for (const {
    label,
    score,
    box: { xmin, ymin, xmax, ymax },
  } of boxes) {
    const text = `${label} ${score.toFixed(2)}`;
    const top = Math.max(0, ymin - size * 1.3);
    context.strokeStyle = colour(label);
    context.lineWidth = Math.max(2, size / 6);
    context.strokeRect(xmin, ymin, xmax - xmin, ymax - ymin);
    context.fillStyle = colour(label);
    context.fillRect(xmin, top, context.measureText(text).width + size / 2, size * 1.3);
    context.fillStyle = '#ffffff';
    context.fillText(text, xmin + size / 4, top + size);
  }
  return canvas;
};

const picture = async (file) =>
  (await load(file, 'The picture that was sent')) ??
  h('p', { class: 'quiet' }, 'The browser does not show this kind of picture.');

/** The text with its entities marked. Offsets are in UTF-16 units, as those of strings here. */
const markEntities = (text, entities) => {
  const parts = [];
  let at = 0;
  for (const { start, end, score, entity_group, entity } of [...entities].sort((a, b) => a.start - b.start)) {
    if (start < at) continue;
    parts.push(text.slice(at, start));
    parts.push(h('mark', { title: show(score) }, text.slice(start, end), h('small', {}, entity_group ?? entity)));
    at = end;
  }
  return h('p', {}, ...parts, text.slice(at));
};

const transcript = ({ text, chunks = [] }) => [
  h('p', {}, text.trim() || '(silence)'),
  chunks.length > 0 &&
    table(
      'Passages',
      ['from', 'to', 'text'],
      chunks.map(({ timestamp = [], text: part }) => [
        ...timestamp.map((s) => (s === null ? '' : `${show(s)} s`)),
        part,
      ]),
    ),
];

const bestOf = (row) => (Array.isArray(row[0]) ? row.map((target) => target[0]) : [row[0]]);

/** The cells of each line of CSV. */
const cellsOf = (csv) =>
  [...csv.matchAll(/(?:"(?:[^"]|"")*"|[^\r\n])+/g)].map(([line]) =>
    [...line.matchAll(/(?:"(?:[^"]|"")*"|[^,"])+|(?<=^|,)(?=,|$)/g)].map(([cell]) =>
      cell.replace(/^"(.*)"$/s, '$1').replaceAll('""', '"'),
    ),
  );

/** The rows as they were sent, and the answer to each; with the names of the columns, if the first line has them. */
const answeredRows = (csv, answers, names) => {
  const lines = cellsOf(csv);
  const sent = lines.slice(-answers.length);
  const [first] = sent;
  const columns = lines.length > sent.length ? lines[0] : first.map((_, index) => `column ${index + 1}`);
  return table(
    'Rows',
    [...columns, ...names],
    answers.flatMap((answer, index) => answer.map((each) => [...sent[index], ...each])),
  );
};

const labelRows = (csv, rows) =>
  answeredRows(
    csv,
    rows.map((row) => bestOf(row).map(({ label, score }) => [h('strong', {}, label), scoreOf(label, score)])),
    ['label', 'score'],
  );

const numberRows = (csv, rows) =>
  answeredRows(
    csv,
    rows.map((row) => [[h('strong', {}, [row].flat().map(show).join(', '))]]),
    ['answer'],
  );

const vectors = (rows) =>
  table(
    'Vectors',
    ['numbers', 'the first eight'],
    rows
      .flat(Array.isArray(rows[0]?.[0]) ? 1 : 0)
      .map((vector) => [vector.length, vector.slice(0, 8).map(show).join(', ')]),
  );

/** A ranking has a table of its own; a job may have thousands. */
const MOST_RANKINGS = 50;

const rankings = (all) => [
  ...all.slice(0, MOST_RANKINGS).map(({ ranked_by, items }) =>
    table(
      `Items, ranked by ${ranked_by}`,
      ['id', 'score', 'about'],
      items.map(({ id, score, ...about }) => [id, score, Object.values(about).join(', ')]),
    ),
  ),
  all.length > MOST_RANKINGS && h('p', { class: 'quiet' }, `The first ${MOST_RANKINGS} of ${all.length}.`),
];

const VIEWS = {
  'image-classification': async (labels, { body }) => beside(await picture(body), bars('Labels', labels)),
  'object-detection': async (boxes, { body }) => beside(await drawBoxes(body, boxes), bars('Boxes', boxes)),
  'text-classification': async ([labels]) => [bars('Labels', labels)],
  'token-classification': async (entities, { body }) => [markEntities(JSON.parse(body).inputs, entities)],
  'feature-extraction': async (rows) => [vectors(rows)],
  summarization: async (texts) => texts.map(({ summary_text: text }) => h('p', {}, text)),
  translation: async (texts) => texts.map(({ translation_text: text }) => h('p', {}, text)),
  'automatic-speech-recognition': async (answer) => transcript(answer),
  'tabular-classification': async (rows, { body }) => [labelRows(body, rows)],
  'tabular-regression': async (rows, { body }) => [numberRows(body, rows)],
  recommendation: async (answer) => rankings([answer].flat()),
};

/** What a task shows of its answer; nothing for an answer that is best read as JSON. */
export const viewOf = async (task, answer, request) => {
  try {
    return (await VIEWS[task]?.(answer, request)) ?? [];
  } catch {
    return []; // an answer of another form, which the JSON shows
  }
};
