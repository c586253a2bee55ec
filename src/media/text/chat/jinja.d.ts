/** The part of the package that is used here: its own types import files without their endings, which `nodenext` does not resolve. */
declare module '@huggingface/jinja' {
  /** A node of the syntax tree. */
  export interface Node {
    readonly type: string;
  }
  /** A value at run time, with the value of JavaScript in it. */
  export interface Value {
    readonly type: string;
    readonly value: unknown;
  }
  export class Environment {
    /** Declares a variable. @throws SyntaxError for a name that is declared already */
    set(name: string, value: unknown): Value;
  }
  export class Interpreter {
    constructor(environment: Environment);
    readonly global: Environment;
    run(program: Node): Value;
    evaluate(node: Node | undefined, environment: Environment): Value;
  }
  export const tokenize: (
    template: string,
    options: { readonly lstrip_blocks: boolean; readonly trim_blocks: boolean },
  ) => readonly unknown[];
  export const parse: (tokens: readonly unknown[]) => Node;
}
