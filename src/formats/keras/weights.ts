import type { Hdf5File } from './hdf5.ts';
import type { WeightArray } from './keras-tensor.ts';
import { groupsOf, layerGroups } from './weight-groups.ts';

/** A layer, as far as its weights are found by it. */
export interface Named {
  readonly name: string;
  readonly className: string;
  /** The names of the layers within it, when it is a model. */
  readonly within: readonly string[];
  /** The classes of the cells within it, when it is a recurrent layer with a stack of cells. */
  readonly cells: readonly string[];
}

/** The weights of a layer, or of a model, which are shared out to its layers. */
export interface Weights {
  /** All arrays, in the order in which Keras creates them. */
  arrays(): readonly WeightArray[];
  /** The weights of the layers of a model, by the names of the layers. */
  ofLayers(layers: readonly Named[]): ReadonlyMap<string, Weights>;
  /** The weights of the layer that a wrapper wraps, which may have a stack of `cells`. The wrapper itself has the last `own` arrays of `.h5`. */
  ofWrapped(cells: readonly string[], own: number): Weights;
  /** The text of a file that the layer was saved with, such as `vocabulary.txt`; undefined when there is none. */
  asset(name: string): string | undefined;
}

const noAsset = (): undefined => undefined;

/** Texts of the other files of a `.keras` file, by path. */
export type Assets = (path: string) => string | undefined;

const memoise = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

/** An attribute of more than 64 kB is cut into parts with a number each. */
const readTexts = (file: Hdf5File, group: string, name: string): readonly string[] => {
  const whole = file.texts(group, name);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let part = 0; ; part += 1) {
    const texts = file.texts(group, `${name}${part}`);
    if (texts === undefined) return parts;
    parts.push(...texts);
  }
};

/**
 * Weights of `.h5`: the group of a layer lists them. The group of a model within the model lists the
 * weights of all its layers, by names such as `block/dense/kernel:0`.
 */
export const weightsOfH5 = (file: Hdf5File, group: string): Weights => ({
  arrays: () => [],
  ofWrapped: () => weightsOfH5(file, group),
  asset: noAsset,
  ofLayers: (layers) =>
    new Map(
      layers.map(({ name }) => {
        const own = `${group}/${name}`;
        return [name, listedWeights(file, own, readTexts(file, own, 'weight_names'))];
      }),
    ),
});

/** The layer to which the weights of each layer belong: itself, or the model that it is within. */
const ownersOf = (layers: readonly Named[]): ReadonlyMap<string, string> =>
  new Map([
    ...layers.flatMap(({ name, within }) => within.map((inner) => [inner, name] as const)),
    ...layers.map(({ name }) => [name, name] as const),
  ]);

const listedWeights = (file: Hdf5File, group: string, names: readonly string[]): Weights => ({
  arrays: memoise(() => names.map((name) => file.weights(`${group}/${name}`))),
  ofWrapped: (_, own) => listedWeights(file, group, names.slice(0, names.length - own)),
  asset: noAsset,
  ofLayers: (layers) => {
    const owners = ownersOf(layers);
    const owned = Map.groupBy(names, (weight) => weight.split('/').flatMap((part) => owners.get(part) ?? [])[0]);
    return new Map(layers.map(({ name }) => [name, listedWeights(file, group, owned.get(name) ?? [])]));
  },
});

/** The groups of a layer's parts, in the order of its weights. A part has its first name that is there. */
const PARTS: readonly (readonly string[])[] = [
  ...[['cell'], ['forward_layer'], ['backward_layer'], ['layer']],
  ...[
    ['query_dense', '_query_dense'],
    ['key_dense', '_key_dense'],
    ['value_dense', '_value_dense'],
    ['output_dense', '_output_dense'],
  ],
];

/** Weights of `.keras`: groups follow the objects of Keras. The group of a layer has the name of its class, and a number from the second on. */
export const weightsOfKeras = (file: Hdf5File, assets: Assets, group = '', cells: readonly string[] = []): Weights => ({
  arrays: memoise(() => readParts(file, group, groupsOf(cells))),
  asset: (name) => assets(`assets${group}/${name}`),
  ofWrapped: (inner) => weightsOfKeras(file, assets, `${group}/layer`, inner),
  ofLayers: (layers) => {
    const groups = layerGroups(
      file,
      group,
      layers.map(({ className }) => className),
    );
    return new Map(
      layers.map(({ name, cells: own }, index) => [name, weightsOfKeras(file, assets, groups[index], own)]),
    );
  },
});

/** Arrays in a group and in its parts. The nesting of PARTS is that of a wrapper around a layer with a cell, or with a stack of `cells`. */
const readParts = (file: Hdf5File, group: string, cells: readonly string[], depth = 0): WeightArray[] => {
  const members = new Set(file.members(group));
  const own = members.has('vars') ? [...file.members(`${group}/vars`)].sort((a, b) => Number(a) - Number(b)) : [];
  const found = PARTS.flatMap((names) => names.filter((name) => members.has(name)).slice(0, 1));
  const parts = members.has('cells') ? cells.map((cell) => `cells/${cell}`) : found;
  return [
    ...own.map((name) => file.weights(`${group}/vars/${name}`)),
    ...(depth < DEEPEST ? parts.flatMap((part) => readParts(file, `${group}/${part}`, cells, depth + 1)) : []),
  ];
};

const DEEPEST = 4;
