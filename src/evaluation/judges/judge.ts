import * as v from 'valibot';
import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Scoring } from '../../metrics/scoring.ts';

/** The settings of a model that its labels depend on. */
export interface ModelLabels {
  /** The labels that the model knows; empty for a task without labels. */
  readonly labels: readonly string[];
}

/** Collects answers, of which it keeps no more than their figures need. */
export interface Collector<Side> {
  /** @param side the label of a sample, or the answer of another model to it */
  add(side: Side, answer: unknown): void;
  scoring(): Scoring;
  /** Further facts about the answers, as JSON. */
  details(): Readonly<Record<string, unknown>>;
}

/** Measures the answers to inputs without labels. */
export interface UnlabelledJudge {
  readonly parameters: Readonly<Record<string, unknown>>;
  measure(): Pick<Collector<unknown>, 'scoring' | 'details'> & { add(answer: unknown): void };
}

/** Compares the answers of a task with labels, or with the answers of another model. */
export interface Judge {
  /** Parameters of the requests, so that answers hold all that the figures need. */
  readonly parameters: (model: ModelLabels) => Readonly<Record<string, unknown>>;
  /** @throws `INVALID_INPUT` for a label that no answer of the model can be compared with; `place` begins the message */
  checkLabel(label: unknown, model: ModelLabels, place: string): void;
  /** Compares with labels that were checked. */
  compareWithLabels(model: ModelLabels): Collector<unknown>;
  /** Compares with the answers of another model. */
  compareWithAnswers(): Collector<unknown>;
  /** Left out for tasks whose answers tell nothing by themselves. */
  readonly unlabelled?: UnlabelledJudge;
}

interface JudgeDefinition<Truth, Answer, Labelled, Agreed> {
  readonly parameters?: Judge['parameters'];
  /** The form of a label, for messages. */
  readonly labelForm: (model: ModelLabels) => string;
  /** Undefined for a label of another form. */
  readonly readLabel: (label: unknown, model: ModelLabels) => Truth | undefined;
  readonly answer: v.GenericSchema<unknown, Answer>;
  readonly label: (truth: Truth, answer: Answer) => Labelled;
  readonly score: (samples: readonly Labelled[]) => Scoring;
  readonly details?: (samples: readonly Labelled[]) => Readonly<Record<string, unknown>>;
  readonly agree: (first: Answer, second: Answer) => Agreed;
  readonly scoreAgreement: (samples: readonly Agreed[]) => Scoring;
}

/** A judge that hides the types of its labels and answers. */
export const defineJudge = <Truth, Answer, Labelled, Agreed>(
  definition: JudgeDefinition<Truth, Answer, Labelled, Agreed>,
): Judge => {
  const readAnswer = (answer: unknown): Answer => {
    const parsed = v.safeParse(definition.answer, answer);
    if (parsed.success) return parsed.output;
    return refuse('INFERENCE_FAILED', `the model answers ${show(answer)}, which cannot be compared with a label`);
  };
  const readLabel = (label: unknown, model: ModelLabels, place: string): Truth =>
    definition.readLabel(label, model) ??
    refuse('INVALID_INPUT', `${place} has the label ${show(label)}, expected ${definition.labelForm(model)}`);
  return {
    parameters: definition.parameters ?? (() => ({})),
    checkLabel: (label, model, place) => {
      readLabel(label, model, place);
    },
    compareWithLabels: (model) => {
      const samples: Labelled[] = [];
      return {
        add: (label, answer) => samples.push(definition.label(readLabel(label, model, 'a sample'), readAnswer(answer))),
        scoring: () => definition.score(samples),
        details: () => definition.details?.(samples) ?? {},
      };
    },
    compareWithAnswers: () => {
      const samples: Agreed[] = [];
      return {
        add: (first, second) => samples.push(definition.agree(readAnswer(first), readAnswer(second))),
        scoring: () => definition.scoreAgreement(samples),
        details: () => ({}),
      };
    },
  };
};
