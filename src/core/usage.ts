/** The amounts that an answer took, for protocols and metrics that count them. */
export interface Usage {
  /** Tokens of the input, special ones included. */
  readonly promptTokens?: number;
  /** The part of the prompt that was computed for an earlier request. */
  readonly cachedTokens?: number;
  /** Tokens that the model wrote. */
  readonly answerTokens?: number;
  /** Seconds of sound. */
  readonly audioSeconds?: number;
}

const add = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : one + (other ?? 0);

/** The amounts of several answers together; one that no answer counts is left out. */
export const sumUsages = (usages: readonly Usage[]): Usage => {
  const sum = (name: keyof Usage): number | undefined =>
    usages.reduce<number | undefined>((total, usage) => add(total, usage[name]), undefined);
  const names = ['promptTokens', 'cachedTokens', 'answerTokens', 'audioSeconds'] as const;
  return Object.fromEntries(names.flatMap((name) => (sum(name) === undefined ? [] : [[name, sum(name)]])));
};
