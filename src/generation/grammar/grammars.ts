import type { GrammarEngine, OwnedConstraint, Vocabulary } from './engine.ts';

/** Follows grammars with the tokens of a model. */
export interface Grammars {
  /** @throws `INVALID_REQUEST` for a grammar that takes too long */
  constrain(grammar: string): Promise<OwnedConstraint>;
}

/** The engine and its library are imported, and the vocabulary is read, by the first request that has a grammar. */
export const createGrammars = (readVocabulary: () => Vocabulary): Grammars => {
  let engine: Promise<GrammarEngine> | undefined;
  const start = async (): Promise<GrammarEngine> => {
    const { createGrammarEngine } = await import('./engine.ts');
    return createGrammarEngine(readVocabulary());
  };
  const usable = async (): Promise<GrammarEngine> => {
    const own = engine;
    if (own !== undefined && (await own.then(({ isUsable }) => isUsable())) === false && engine === own)
      engine = undefined;
    engine ??= start().catch((error: unknown) => {
      engine = undefined;
      throw error;
    });
    return engine;
  };
  return { constrain: async (grammar) => (await usable()).constrain(grammar) };
};
