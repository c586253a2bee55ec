/** A rule of EBNF, with the rules that each of its alternatives must contain: a value is finite where one of them has finite values alone. */
export interface Rule {
  readonly body: string;
  readonly needs: readonly (readonly string[])[];
}

/** Gives the name of a schema's rule. */
export type Visit = (schema: unknown, path: string) => string;
