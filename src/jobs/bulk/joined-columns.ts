import * as v from 'valibot';
import { isObject } from '../../core/is-object.ts';
import { columnsSchema, createTable } from '../../media/table/table.ts';
import type { PublishedBundle } from '../../repository/versions/bundle.ts';
import { signatureOf } from '../../tasks/task-type.ts';
import type { BulkElement } from './bulk-element.ts';

/** The columns that a model of a table takes; undefined for other models. */
export const modelColumns = (bundle: PublishedBundle): ReadonlyMap<string, number> | undefined =>
  bundle.task.startsWith('tabular-')
    ? createTable(v.parse(v.optional(columnsSchema), bundle.settings.columns), signatureOf(bundle)).indexOf
    : undefined;

/**
 * Makes the input of a row: without the columns that are only joined to its answer. A model that takes no tables gets the only cell that
 * is left of a row of CSV.
 */
export const createToInput = (bundle: PublishedBundle, join: readonly string[]) => {
  const columns = modelColumns(bundle);
  const dropped = new Set(join.filter((name) => !columns?.has(name)));
  return ({ input, line }: Extract<BulkElement, { readonly input: unknown }>): unknown => {
    if (!isObject(input) || Array.isArray(input)) return input;
    const kept =
      dropped.size === 0 ? input : Object.fromEntries(Object.entries(input).filter(([name]) => !dropped.has(name)));
    const [only, ...others] = columns === undefined && line !== undefined ? Object.values(kept) : [];
    return only !== undefined && others.length === 0 ? only : kept;
  };
};

/** The joined columns of a row; null for one that it has not. */
export const joinedColumns = (element: BulkElement, join: readonly string[]): Readonly<Record<string, unknown>> => {
  const input = 'input' in element && isObject(element.input) ? element.input : {};
  return Object.fromEntries(join.map((name) => [name, Object.hasOwn(input, name) ? input[name] : null]));
};
