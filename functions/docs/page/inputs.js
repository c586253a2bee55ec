import { JSON_HEADERS } from './api.js';
import { h } from './dom.js';
import { record } from './sound.js';

const field = (label, control) => h('div', {}, h('label', { for: control.id }, label), control);

/** A file that is chosen or dropped, sent as it is. */
const fileInput = (label, accept, path, { recordable = false } = {}) => {
  const chosen = h('input', { type: 'file', id: 'file', accept });
  const area = h('div', { class: 'drop' }, field(label, chosen), h('p', { class: 'quiet' }, 'Or drop it here.'));
  const left = new AbortController();
  let recorded;
  chosen.onchange = () => {
    recorded = undefined;
  };
  area.ondragover = (event) => {
    event.preventDefault();
    area.classList.add('over');
  };
  area.ondragleave = () => area.classList.remove('over');
  area.ondrop = (event) => {
    event.preventDefault();
    area.classList.remove('over');
    chosen.files = event.dataTransfer.files;
    recorded = undefined;
  };
  if (recordable && navigator.mediaDevices)
    area.append(
      recordButton(left.signal, (file) => {
        recorded = file;
      }),
    );
  const read = () => {
    const file = recorded ?? chosen.files[0];
    if (file === undefined) throw new Error('Choose a file first.');
    const headers = { 'content-type': file.type || 'application/octet-stream' };
    return { path, headers, body: file, inQuery: true, object: 'input' };
  };
  return { element: area, read, leave: () => left.abort() };
};

const recordButton = (signal, keep) => {
  let recording;
  const note = h('span', { class: 'quiet', role: 'status' });
  const button = h('button', { type: 'button' }, 'Record');
  button.onclick = async () => {
    button.disabled = true; // a second click would open the microphone once more
    try {
      if (recording === undefined) {
        recording = await record(signal);
        [button.textContent, note.textContent] = ['Stop', ' Recording …'];
        return;
      }
      const file = await recording.stop();
      recording = undefined;
      keep(file);
      [button.textContent, note.textContent] = ['Record again', ` ${Math.round(file.size / 1000)} KB are recorded.`];
    } catch (error) {
      recording = undefined;
      [button.textContent, note.textContent] = ['Record', ` Nothing was recorded: ${error.message}`];
    } finally {
      button.disabled = false;
    }
  };
  return h('p', {}, button, note);
};

const area = (value, rows, more = {}) => h('textarea', { id: 'input', value, rows, ...more });
/** Rows and documents stand in columns. */
const CODE = { class: 'code', spellcheck: false };

/** The name of a large request in the bucket: the end of a name says what an object is. */
const DOCUMENT = 'request.json';

/** One text, as JSON, so that parameters stand beside it. */
const textInput = (label, value, path) => {
  const text = area(value, 5);
  return {
    element: field(label, text),
    read: () => ({ path, headers: JSON_HEADERS, inputs: text.value, object: DOCUMENT }),
  };
};

/** Rows as CSV, typed or from a file. */
const tableInput = (value, path) => {
  const rows = area(value, 8, CODE);
  const file = h('input', { type: 'file', id: 'file', accept: '.csv,text/csv' });
  file.onchange = async () => {
    const [chosen] = file.files;
    const text = await chosen?.text().catch(({ message }) => message);
    if (text !== undefined && chosen === file.files[0]) rows.value = text;
  };
  return {
    element: h('div', {}, field('Rows as CSV', rows), field('Or a file', file)),
    read: () => ({
      path,
      headers: { 'content-type': 'text/csv' },
      body: rows.value,
      inQuery: true,
      object: 'rows.csv',
    }),
  };
};

/** A whole document, for what has no form of its own. */
const jsonInput = (label, value, path, more = {}) => {
  const text = area(JSON.stringify(value ?? {}, undefined, 2), 12, CODE);
  const read = () => {
    try {
      JSON.parse(text.value);
    } catch (error) {
      throw new Error(`This is no JSON: ${error.message}`);
    }
    return { path, headers: JSON_HEADERS, body: text.value, inQuery: true, ...more };
  };
  return { element: field(label, text), read };
};

const toCsv = ({ csv, example }) => {
  if (csv !== undefined) return csv;
  const [row = []] = example?.inputs ?? [];
  return `${Object.values(row).join(',')}\n`;
};

export const textOf = ({ text, example }) => text ?? (typeof example?.inputs === 'string' ? example.inputs : '');

const FORMS = {
  'image-classification': (_model, path) => fileInput('A picture', 'image/*', path),
  'object-detection': (_model, path) => fileInput('A picture', 'image/*', path),
  'automatic-speech-recognition': (_model, path) => fileInput('A sound', 'audio/*', path, { recordable: true }),
  'text-classification': (model, path) => textInput('A text', textOf(model), path),
  'token-classification': (model, path) => textInput('A text', textOf(model), path),
  'feature-extraction': (model, path) => textInput('A text', textOf(model), path),
  summarization: (model, path) => textInput('A text', textOf(model), path),
  translation: (model, path) => textInput('A text', textOf(model), path),
  'tabular-classification': (model, path) => tableInput(toCsv(model), path),
  'tabular-regression': (model, path) => tableInput(toCsv(model), path),
  tensor: ({ name, tensors }) => jsonInput('Tensors as JSON', tensors, `/v2/models/${name}/infer`),
};

/** The form for the inputs of a model. `read` gives a request, or throws what is missing. `leave` closes the microphone. */
export const inputsFor = (model) => {
  const path = `/models/${model.name}`;
  const form =
    FORMS[model.task]?.(model, path) ?? jsonInput('Inputs as JSON', model.example, path, { object: DOCUMENT });
  return { leave: () => {}, ...form };
};
