import { h } from './dom.js';
import { textOf } from './inputs.js';
import { createWriter, summaryOf } from './writer.js';

/** A text that a model continues. `leave` ends the answer that is under way. */
export const completionForm = (model) => {
  const writer = createWriter(model, model.completion);
  const prompt = h('textarea', { id: 'input', rows: 5, value: textOf(model) });
  const problem = h('p', { class: 'wrong', role: 'alert' });
  const run = h('button', { class: 'main' }, 'Run');
  const written = h('div', { id: 'written', role: 'region', 'aria-label': 'The text', 'aria-live': 'polite' });
  const form = h(
    'form',
    {},
    h('label', { for: 'input' }, 'A text to continue'),
    ...[prompt, writer.settings, h('div', { class: 'buttons' }, run, writer.stop), problem],
  );
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (writer.isRunning()) return;
    const text = document.createTextNode('');
    const note = h('p', { class: 'quiet' });
    const beginning = h('span', { class: 'quiet' }, prompt.value);
    written.replaceChildren(h('p', { class: 'written' }, beginning, text), note);
    written.ariaBusy = 'true'; // screen readers read the text when it is whole
    problem.textContent = '';
    run.ariaDisabled = 'true'; // it keeps the focus, so that Escape is heard
    const outcome = await writer.write({ prompt: prompt.value }, (piece) => text.appendData(piece));
    run.ariaDisabled = 'false';
    written.ariaBusy = 'false';
    problem.textContent = outcome.error ?? '';
    note.textContent = summaryOf(outcome);
    if (outcome.text === '' && outcome.error) written.replaceChildren();
  };
  form.onkeydown = writer.stopOnEscape;
  return { element: h('div', {}, form, written, writer.result), leave: writer.abort };
};
