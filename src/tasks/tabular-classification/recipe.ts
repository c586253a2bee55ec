import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { findTargetClasses } from '../../onnx/sequence-outputs.ts';
import { findClasses } from '../../onnx/zip-map.ts';
import type { ModelSource } from '../../source/model-source.ts';
import { readLabels, type Settings } from '../../source/settings-file.ts';
import type { TaskRecipe } from '../recipe.ts';
import { CONFIG, readColumns, readConfig, tableTrial } from '../tabular-recipe.ts';
import { LABELS, SCORES, type TabularClassificationSettings } from './settings.ts';
import { findSettings } from './trial.ts';

type Classes = Pick<TabularClassificationSettings, 'labels' | 'classes'>;

/** Labels of `"id2label"` beside the classes that the graph names. @throws `MODEL_INVALID` for the same names in another order */
const readClasses = (config: Settings, classes: readonly string[] | undefined): Classes => {
  const ofGraph = classes && { classes: [...classes] };
  if (config.id2label === undefined) return { ...ofGraph };
  const labels = readLabels(config);
  if (classes !== undefined && classes.length === labels.length && classes.every((name) => labels.includes(name)))
    if (classes.some((name, index) => name !== labels[index]))
      refuse(
        'MODEL_INVALID',
        `"id2label" in ${CONFIG} has the classes as ${labels.join(', ')}, the graph as ${classes.join(', ')}: its order counts`,
      );
  return { labels, ...ofGraph };
};

/** `"targets"` of config.json, a list of `{"id2label"}`; without it, the classes that the graph names for each of several targets. */
const readTargets = (
  { targets }: Settings,
  ofGraph: readonly (readonly string[])[] | undefined,
): readonly Classes[] | undefined => {
  if (targets === undefined) return ofGraph?.map((classes) => ({ classes: [...classes] }));
  if (!Array.isArray(targets) || targets.length === 0 || !targets.every(isObject))
    return refuse(
      'MODEL_INVALID',
      `"targets" in ${CONFIG} are no list of classes: [{"id2label": {"0": "no", "1": "yes"}}, …]`,
    );
  const sameCount = ofGraph?.length === targets.length ? ofGraph : [];
  return targets.map((target: Settings, index) => readClasses(target, sameCount[index]));
};

/** A setting of config.json that is one of several words; undefined without it. @throws `MODEL_INVALID` */
const readWord = <Word extends string>(config: Settings, name: string, words: readonly Word[]): Word | undefined => {
  const { [name]: value } = config;
  if (value === undefined) return undefined;
  return (
    words.find((word) => word === value) ??
    refuse('MODEL_INVALID', `"${name}" in ${CONFIG} is ${show(value)}, expected one of ${words.join(', ')}`)
  );
};

const readSettings = async (
  { graphs: { model } }: ModelSource,
  config: Settings,
): Promise<TabularClassificationSettings> => {
  const graph = model && (await model.read());
  const isMultiLabel = config.problem_type === 'multi_label_classification';
  const targets = isMultiLabel ? undefined : readTargets(config, graph && findTargetClasses(graph));
  const classes = isMultiLabel || targets !== undefined ? undefined : graph && findClasses(graph);
  const [scores, label] = [readWord(config, 'scores', SCORES), readWord(config, 'label', LABELS)];
  return {
    columns: readColumns(config),
    ...(targets === undefined ? readClasses(config, classes) : { targets: [...targets] }),
    ...(scores && { scores }),
    ...(label && { label }),
    ...(isMultiLabel && { isMultiLabel }),
  };
};

export const tabularClassification: TaskRecipe<TabularClassificationSettings> = {
  graphs: ['model'],
  example: '<rows.csv>',

  async read(source) {
    const { config, files } = await readConfig(source);
    return { settings: await readSettings(source, config), files };
  },

  ...tableTrial,

  findSettings,
};
