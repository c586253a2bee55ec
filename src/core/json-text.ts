/** A result that is JSON text already: `JSON.stringify` would lose 64-bit integers and knows no typed arrays. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The JSON text of a task's result. */
export const toJsonText = (result: unknown): string =>
  result instanceof JsonText ? result.text : JSON.stringify(result);
