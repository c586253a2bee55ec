import { Truncated } from './truncated.ts';

/** A result that is JSON text already: `JSON.stringify` would lose 64-bit integers and knows no typed arrays. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The JSON text of a task's result. */
export const toJsonText = (result: unknown): string => {
  if (result instanceof JsonText) return result.text;
  if (result instanceof Truncated) return toJsonText(result.value);
  return JSON.stringify(result);
};
