/** Characters that a terminal obeys, other than tabs and the ends of lines. */
const CONTROLS = /\r(?!\n)|(?![\t\r\n])\p{Cc}/gu;

/** A text for a terminal, with controls as `\u001b`. A name in a model of somebody else could move the cursor, and hide what stands there. */
export const printable = (text: string): string =>
  text.replaceAll(CONTROLS, (control) => `\\u${(control.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
