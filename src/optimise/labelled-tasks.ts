import { type Answer, jsonValueOf } from '../core/answer.ts';
import { isObject } from '../core/is-object.ts';
import { boxes, sharedKeys, words } from './similarity.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A way to compare answers with labels that are no names of classes. */
export interface LabelledTask {
  /** The name of the measure, for tables. */
  readonly measure: string;
  /** Parameters of the requests, so that answers have the form of the labels. */
  readonly parameters: Fields;
  /** 1 for an answer that is wholly right. The label was checked. */
  readonly score: (label: unknown, answer: unknown) => number;
}

const fieldsOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : []);

const entityKeys = (value: unknown): string[] =>
  fieldsOf(value).map(({ label, entity_group: group, start, end }) => JSON.stringify([label ?? group, start, end]));

/** The text of an answer to one input. */
const textOf = (answer: unknown): string => {
  const [first] = Array.isArray(answer) ? answer : [answer];
  const {
    translation_text: translation,
    summary_text: summary = translation,
    text = summary,
  } = isObject(first) ? first : {};
  return typeof text === 'string' ? text : '';
};

const texts: LabelledTask = {
  measure: 'words',
  parameters: {},
  score: (label, answer) => words(String(label), textOf(answer)),
};

const LABELLED_TASKS: Readonly<Record<string, LabelledTask>> = {
  'token-classification': {
    measure: 'F1 of entities',
    parameters: { aggregation_strategy: 'first' }, // as evaluate asks
    score: (label, answer) => sharedKeys(entityKeys(label), entityKeys(answer)),
  },
  'object-detection': {
    measure: 'F1 of boxes',
    parameters: {},
    score: (label, answer) =>
      boxes(
        fieldsOf(label).map((object) => ({ ...object, score: 1 })),
        fieldsOf(answer),
      ),
  },
  translation: texts,
  summarization: texts,
  'automatic-speech-recognition': texts,
};

/** The way to compare a task's answers with labels; undefined for classes, whose names are compared, and for tasks without labels. */
export const labelledTask = (task: string): LabelledTask | undefined =>
  Object.hasOwn(LABELLED_TASKS, task) ? LABELLED_TASKS[task] : undefined;

/** The value of an answer to one input, out of the lists of inputs around it. */
export const valueOfOne = (answer: Answer): unknown => {
  let value = jsonValueOf(answer);
  while (Array.isArray(value) && value.length === 1 && Array.isArray(value[0])) value = value[0];
  return value;
};
