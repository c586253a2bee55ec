import { h } from './dom.js';
import { createWriter, summaryOf } from './writer.js';

/** A turn of the conversation. Its text grows while the model writes. */
const createTurn = (role, name, content = '') => {
  const text = document.createTextNode(content);
  const note = h('p', { class: 'quiet' });
  const element = h('div', { class: role }, h('strong', {}, name), h('p', { class: 'written' }, text), note);
  return { element, text, note };
};

const isAtEnd = ({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 60;

/** Changes the list, and keeps its end in sight, unless its reader has scrolled up. */
const following = (log, change) => {
  const follows = isAtEnd(log);
  change();
  if (follows) log.scrollTop = log.scrollHeight;
};

/** The turns so far, which the model gets with each message. */
const createConversation = (model, writer, log) => {
  let turns = [];
  /** Adds the message and its answer. Without an answer, takes the message back, and returns the outcome alone. */
  const say = async (instructions, content) => {
    const asked = createTurn('user', 'You', content);
    const answered = createTurn('assistant', model.name);
    log.append(asked.element, answered.element);
    log.scrollTop = log.scrollHeight;
    const said = [...turns, { role: 'user', content }];
    const outcome = await writer.write({ messages: [...instructions, ...said] }, (piece) =>
      following(log, () => answered.text.appendData(piece)),
    );
    const isAnswered = outcome.text !== '' || !(outcome.error || outcome.isStopped);
    if (isAnswered) {
      turns = [...said, { role: 'assistant', content: outcome.text }];
      following(log, () => {
        answered.note.textContent = summaryOf(outcome);
      });
    } else for (const { element } of [asked, answered]) element.remove();
    return { ...outcome, isAnswered };
  };
  const clear = () => {
    turns = [];
    log.replaceChildren();
  };
  return { say, clear };
};

const submitOnEnter = (area, form) => {
  area.onkeydown = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
};

/** A conversation with a model. `leave` ends the answer that is under way. */
export const chatForm = (model) => {
  const writer = createWriter(model, model.chat);
  const system = h('textarea', { id: 'system', rows: 2, placeholder: 'None' });
  const log = h('div', { id: 'turns', role: 'log', tabIndex: 0, 'aria-label': 'The conversation' });
  const message = h('textarea', { id: 'input', rows: 3, placeholder: 'Enter sends, Shift+Enter begins a new line' });
  const problem = h('p', { class: 'wrong', role: 'alert' });
  const send = h('button', { class: 'main' }, 'Send');
  const again = h('button', { type: 'button' }, 'New conversation');
  const form = h(
    'form',
    {},
    h('label', { for: 'system' }, 'System prompt'),
    ...[system, writer.settings, log, problem],
    h('label', { for: 'input' }, 'Message'),
    ...[message, h('div', { class: 'buttons' }, send, writer.stop, again)],
  );
  const conversation = createConversation(model, writer, log);
  submitOnEnter(message, form);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const text = message.value;
    if (writer.isRunning()) return;
    problem.textContent = text.trim() === '' ? 'Write a message first.' : '';
    if (text.trim() === '') return;
    message.value = '';
    send.ariaDisabled = 'true'; // it keeps the focus, so that Escape is heard
    again.disabled = true;
    log.ariaBusy = 'true'; // screen readers read the answer when it is whole
    const instructions = system.value.trim() ? [{ role: 'system', content: system.value }] : [];
    const { error = '', isAnswered } = await conversation.say(instructions, text);
    log.ariaBusy = 'false';
    send.ariaDisabled = 'false';
    again.disabled = false;
    problem.textContent = error;
    if (!isAnswered) message.value ||= text;
    message.focus({ preventScroll: true });
  };
  form.onkeydown = writer.stopOnEscape;
  again.onclick = () => {
    conversation.clear();
    writer.result.replaceChildren();
    problem.textContent = '';
    message.focus();
  };
  return { element: h('div', {}, form, writer.result), leave: writer.abort };
};
