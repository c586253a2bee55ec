import { type Budget, COSTS } from './budget.ts';
import { PyTuple, type PyValue } from './values.ts';

/** The state of an object: a tuple (`__dict__`, slots) becomes one dict, anything else stays as it is. */
export const mergeState = (state: PyValue, budget: Budget): PyValue => {
  if (!(state instanceof PyTuple) || state.items.length !== 2) return state;
  const [attributes, slots] = state.items;
  if (!(slots instanceof Map) || !(attributes instanceof Map || attributes === null)) return state;
  budget.spend(COSTS.table + COSTS.entry * ((attributes?.size ?? 0) + slots.size));
  return new Map([...(attributes ?? []), ...slots]);
};
