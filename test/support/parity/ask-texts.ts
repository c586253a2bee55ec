import type { TestServing } from '../serving.ts';

/** The answers for a list of texts over HTTP, and the positions of those that the model did not see whole. */
export const askTexts = async <Answer>(
  { fetch }: TestServing,
  model: string,
  inputs: readonly unknown[],
  parameters: Readonly<Record<string, unknown>>,
): Promise<{ answers: Answer[]; cut: number[] }> => {
  const response = await fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs, parameters }),
  });
  if (!response.ok) throw new Error(`${model}: ${await response.text()}`);
  const cut = response.headers.get('x-truncated-inputs')?.split(',').map(Number) ?? [];
  return { answers: (await response.json()) as Answer[], cut };
};
