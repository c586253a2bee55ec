import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { BoosterColumn } from '../boosting/booster.ts';
import type { Part } from './part.ts';

/** The texts of a column of categories, which lie end to end as UTF-8. @param column its name */
const readTexts = (column: string, offsets: ArrayLike<number>, values: ArrayLike<number>): string[] => {
  const bytes = Buffer.from(Uint8Array.from(Array.from(values)));
  if (Array.from(offsets).some((offset, index) => offset < (offsets[index - 1] ?? 0) || offset > bytes.length))
    refuse('MODEL_INVALID', 'XGBoost: the offsets of categories lie outside their texts: the file is damaged');
  // Of texts of pandas, XGBoost 3.1 and 3.2 keep as many bytes as there are characters. The file does not tell them from those of Arrow,
  // which are whole.
  if (bytes.some((byte) => byte > 127)) {
    const problem = `categories of the column ${show(column)} have letters beyond ASCII (${show(bytes.toString())})`;
    refuse(
      'MODEL_INVALID',
      `XGBoost: ${problem}, and XGBoost cuts such texts of pandas off: fit it with names in ASCII`,
    );
  }
  return Array.from({ length: Math.max(0, offsets.length - 1) }, (_, index) =>
    bytes.toString('utf8', offsets[index], offsets[index + 1]),
  );
};

/** The categories of a column, from XGBoost 3.1 on; undefined for a column of numbers and of bare codes. */
const readCategories = (column: string, encoder: Part | undefined): BoosterColumn['categories'] => {
  const values = encoder?.get('values').numbers();
  if (values === undefined || values.length === 0) return undefined;
  const offsets = encoder?.find('offsets')?.numbers();
  return offsets === undefined ? Array.from(values) : readTexts(column, offsets, values);
};

/** The columns of a model: its names, or `f0`, `f1`, … as XGBoost calls them. */
export const readColumns = (learner: Part, count: number, model: Part | undefined): readonly BoosterColumn[] => {
  const names = learner.find('feature_names')?.items() ?? [];
  const encoders = model?.find('cats')?.find('enc')?.items() ?? [];
  return Array.from({ length: count }, (_, index) => {
    const name = names.length === count ? (names[index]?.text() ?? '') : `f${index}`;
    return { name, categories: readCategories(name, encoders[index]) };
  });
};
