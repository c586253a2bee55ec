import { refuse } from '../../core/errors.ts';
import type { BoosterColumn } from '../boosting/booster.ts';
import { type Fields, failDamaged } from './text.ts';

/** The categories of each column of categories, in the order of the columns. */
const readPandasCategories = (json: string): readonly BoosterColumn['categories'][] => {
  const lists: unknown = parse(json);
  if (lists === null) return [];
  if (!Array.isArray(lists)) return failDamaged('pandas_categorical is no list');
  return lists.map((list: unknown) =>
    Array.isArray(list) ? list.map(toCategory) : failDamaged('pandas_categorical holds no lists'),
  );
};

const parse = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return failDamaged('pandas_categorical is no JSON');
  }
};

const toCategory = (value: unknown): string | number => {
  if (typeof value === 'string' || typeof value === 'number') return value;
  return typeof value === 'boolean' ? Number(value) : failDamaged('pandas_categorical holds neither texts nor numbers');
};

/**
 * The columns that had categories in the data frame, of which there are `count`. `feature_infos` lists the codes of such a column, where a column
 * of numbers has its range in brackets, and a column that never changes `none`.
 * @throws `MODEL_INVALID` when the file does not tell them
 */
const findCategorical = (infos: readonly string[], count: number): readonly number[] => {
  const indicesOf = (test: (info: string) => boolean) => infos.flatMap((info, index) => (test(info) ? [index] : []));
  const listed = indicesOf((info) => info !== 'none' && !info.startsWith('['));
  const possible = indicesOf((info) => !info.startsWith('['));
  const found = [listed, possible].find(({ length }) => length === count);
  return (
    found ??
    refuse(
      'MODEL_INVALID',
      `LightGBM: the file has the categories of ${count} columns, and ${listed.length} columns of categories, so that it does not tell them apart: ` +
        'train without constant columns, and with every column of categories as "category" of pandas',
    )
  );
};

/** The columns of a model, with the categories of the data frame that it was trained with. */
export const readColumns = (header: Fields, count: number, pandasCategorical: string | undefined): BoosterColumn[] => {
  const wordsOf = (name: string) => {
    const words = (header.get(name) ?? '').trim().split(' ');
    return words.length === count ? words : failDamaged(`${name} has ${words.length} columns, expected ${count}`);
  };
  const lists = readPandasCategories(pandasCategorical ?? 'null');
  const columns = lists.length === 0 ? [] : findCategorical(wordsOf('feature_infos'), lists.length);
  const categories = new Map(columns.map((column, index) => [column, lists[index]]));
  return wordsOf('feature_names').map((name, index) => ({ name, categories: categories.get(index) }));
};
