import type { Hdf5File } from './hdf5.ts';

/** `Conv2DTranspose` → `conv2d_transpose`, as Keras names the groups of layers. */
const toSnakeCase = (name: string): string =>
  name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

const numbered = (name: string, count: number): string => (count === 0 ? name : `${name}_${count}`);

/** The groups of objects in a list, by their classes. */
export const groupsOf = (classNames: readonly string[]): string[] => {
  const counts = new Map<string, number>();
  return classNames.map((className) => {
    const snake = toSnakeCase(className);
    const count = counts.get(snake) ?? 0;
    counts.set(snake, count + 1);
    return numbered(snake, count);
  });
};

/** Keras 2.13 keeps layers in a dict in which a layer with weights stands twice. Its second place counts, and has no group. */
const DICT = '_layer_checkpoint_dependencies';
/** Groups in which arrays of a layer are looked for; links of a file may lead in circles. */
const MOST_GROUPS = 200;

const holdsArrays = (file: Hdf5File, group: string): boolean => {
  const waiting = [group];
  for (const path of waiting) {
    const members = file.members(path);
    if (members.includes('vars') && file.members(`${path}/vars`).length > 0) return true;
    const room = Math.max(0, MOST_GROUPS - waiting.length);
    waiting.push(...members.slice(0, room).map((name) => `${path}/${name}`));
  }
  return false;
};

/** The groups of the layers of the model in `group`, by their classes. */
export const layerGroups = (file: Hdf5File, group: string, classNames: readonly string[]): string[] => {
  if (!file.members(group).includes(DICT)) return groupsOf(classNames).map((name) => `${group}/layers/${name}`);
  const counts = new Map<string, number>();
  return classNames.map((className) => {
    const snake = toSnakeCase(className);
    const count = counts.get(snake) ?? 0;
    const path = `${group}/${DICT}/${numbered(snake, count)}`;
    counts.set(snake, count + (holdsArrays(file, path) ? 2 : 1));
    return path;
  });
};
