import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { BoosterColumn } from '../boosting/booster.ts';
import type { Part } from './part.ts';

/** The texts of a column of categories, which lie end to end as UTF-8. */
const readTexts = (offsets: ArrayLike<number>, values: ArrayLike<number>): string[] => {
  const bytes = Buffer.from(Uint8Array.from(Array.from(values)));
  if (Array.from(offsets).some((offset, index) => offset < (offsets[index - 1] ?? 0) || offset > bytes.length))
    refuse('MODEL_INVALID', 'XGBoost: the offsets of categories lie outside their texts: the file is damaged');
  // XGBoost 3.1 and 3.2 count characters of pandas' texts where they mean bytes, and cut the last ones off.
  if (bytes.some((byte) => byte > 127))
    refuse(
      'MODEL_INVALID',
      `XGBoost: categories have letters beyond ASCII (${show(bytes.toString())}), which XGBoost does not save whole: fit with names in ASCII`,
    );
  return Array.from({ length: Math.max(0, offsets.length - 1) }, (_, index) =>
    bytes.toString('utf8', offsets[index], offsets[index + 1]),
  );
};

/** The categories of each column, from XGBoost 3.1 on; undefined for a column of numbers and of bare codes. */
const readCategories = (model: Part | undefined): readonly BoosterColumn['categories'][] =>
  (model?.find('cats')?.find('enc')?.items() ?? []).map((column) => {
    const values = column.get('values').numbers();
    if (values.length === 0) return undefined;
    const offsets = column.find('offsets')?.numbers();
    return offsets === undefined ? Array.from(values) : readTexts(offsets, values);
  });

/** The columns of a model: its names, or `f0`, `f1`, … as XGBoost calls them. */
export const readColumns = (learner: Part, count: number, model: Part | undefined): readonly BoosterColumn[] => {
  const names = learner.find('feature_names')?.items() ?? [];
  const categories = readCategories(model);
  return Array.from({ length: count }, (_, index) => ({
    name: names.length === count ? (names[index]?.text() ?? '') : `f${index}`,
    categories: categories[index],
  }));
};
