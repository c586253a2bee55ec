/** JSON text that a server sent. It is printed as it came: parsing it would lose the digits of 64-bit integers. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `value` as JSON text. */
export const toJsonText = (value: unknown): string => (value instanceof JsonText ? value.text : JSON.stringify(value));
