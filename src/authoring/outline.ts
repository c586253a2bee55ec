import { text as readText } from 'node:stream/consumers';
import * as v from 'valibot';
import { shorten } from '../core/show.ts';
import type { Outline } from '../formats/imported-model.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { readVerified } from '../repository/versions/verify.ts';

/** The file of a version that keeps the outline of an imported model, for people. */
export const OUTLINE_FILE = 'outline.json';

/** Bounds of an outline: a forest has a part for each tree, a network for each layer. */
const [MOST_PARTS, MOST_PARTS_OF_ONE, LONGEST_TEXT, DEEPEST] = [400, 60, 300, 12];

/** The outline with a bounded number of parts, each of a bounded length. */
export const boundOutline = (outline: Outline): Outline => {
  let room = MOST_PARTS;
  const boundParts = (parts: readonly Outline[], depth: number): Outline[] => {
    const bounded: Outline[] = [];
    for (const part of parts) {
      if (room <= 0 || bounded.length === MOST_PARTS_OF_ONE) break;
      room -= 1;
      bounded.push(bound(part, depth));
    }
    const rest = parts.length - bounded.length;
    return rest > 0 ? [...bounded, { text: `… and ${rest} more` }] : bounded;
  };
  const bound = ({ text, parts = [] }: Outline, depth: number): Outline => ({
    text: shorten(text.replaceAll(/\s+/g, ' '), LONGEST_TEXT),
    ...(parts.length > 0 && depth < DEEPEST && { parts: boundParts(parts, depth + 1) }),
  });
  return bound(outline, 0);
};

const outlineSchema: v.GenericSchema<unknown, Outline> = v.object({
  text: v.string(),
  parts: v.exactOptional(v.array(v.lazy(() => outlineSchema))),
});

/** The outline that a version keeps; undefined for a version without one. @throws `MODEL_INVALID` when its file was changed */
export const readOutline = async (
  repository: ModelRepository,
  bundle: PublishedBundle,
): Promise<Outline | undefined> => {
  const file = bundle.files.find(({ path }) => path === OUTLINE_FILE);
  if (file === undefined) return undefined;
  const text = await readText(readVerified(repository, bundle, file));
  try {
    return boundOutline(v.parse(outlineSchema, JSON.parse(text)));
  } catch {
    return undefined; // somebody else's file of that name
  }
};
