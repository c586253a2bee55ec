import { type ModelRepository, unlessMissing } from '../repository/model-repository.ts';

/** Names of the models whose predictions are captured. A model whose routing is damaged is left out. */
export const capturedModels = async (repository: ModelRepository): Promise<string[]> => {
  const captured: string[] = [];
  for (const name of await repository.names()) {
    const found = await unlessMissing(repository.routing(name)).catch(() => undefined);
    if (found?.routing.captured) captured.push(name);
  }
  return captured;
};
