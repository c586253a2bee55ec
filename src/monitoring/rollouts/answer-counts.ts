import type { CaptureRecord } from '../../capture/record.ts';
import { type Baseline, valuesOf } from '../drift/baseline.ts';
import { binNames } from '../drift/bin-names.ts';
import { type Bins, countValues } from '../drift/histogram.ts';
import type { Arm } from './step-counts.ts';

/** Events of both arms: those of one caller count once. */
export type ByArm = Readonly<Record<Arm, number>>;

/** A kind of answers: those whose label, score or other figure lies in a bin of the baseline. */
export interface AnswerKind extends ByArm {
  readonly name: string;
}

/** Counts of the captured answers of a step. */
export interface AnswerCounts {
  readonly captured: ByArm;
  /** Answers with feedback that says whether they are right, and the wrong ones among them. */
  readonly judged: ByArm;
  readonly wrong: ByArm;
  /** All kinds of answers that the baseline of the stable version has. */
  readonly kinds: readonly AnswerKind[];
  /** The reason for which no answers can be counted, and that for which they have no kinds. */
  readonly problems: { readonly answers?: string; readonly kinds?: string };
}

/** The records of a step, by arm. */
export type ArmRecords = Readonly<Record<Arm, readonly CaptureRecord[]>>;

/** Callers, in the records that have a property. */
const unitsOf = (records: readonly CaptureRecord[]): number => new Set(records.map(({ unit }) => unit)).size;

const byArm = (records: ArmRecords, has: (record: CaptureRecord) => boolean): ByArm => ({
  stable: unitsOf(records.stable.filter(has)),
  canary: unitsOf(records.canary.filter(has)),
});

/** Indices of the kinds of a value: its bin, and then whether it is missing, and strange. */
const kindsOf = (bins: Bins, value: ReturnType<typeof valuesOf>[string]): number[] => {
  if (value === undefined) return [];
  const { bins: counts, missing, strange } = countValues(bins, [value]);
  return [...counts, missing, strange].flatMap((times, index) => (times > 0 ? [index] : []));
};

/** Counts the answers of each kind. Inputs are left out: both arms get the same ones. */
const countKinds = (records: ArmRecords, { features }: Baseline): AnswerKind[] => {
  const counted = Object.entries(features)
    .filter(([name]) => name.startsWith('answer.'))
    .map(([name, { bins }]) => {
      const names = [...binNames(bins), 'missing', 'beyond the baseline'];
      return { name, bins, names, found: names.map(() => ({ stable: new Set<string>(), canary: new Set<string>() })) };
    });
  for (const arm of ['stable', 'canary'] as const)
    for (const record of records[arm]) {
      const values = valuesOf(record);
      for (const { name, bins, found } of counted)
        for (const kind of kindsOf(bins, values[name])) found[kind]?.[arm].add(record.unit ?? record.id);
    }
  return counted.flatMap(({ name, names, found }) =>
    found.map(({ stable, canary }, kind) => ({
      ...{ name: `${name.slice('answer.'.length)} ${names[kind]}`, stable: stable.size, canary: canary.size },
    })),
  );
};

/** @param isRight undefined for an answer of which that is not known */
export const countAnswers = (
  records: ArmRecords,
  isRight: (record: CaptureRecord) => boolean | undefined,
  baseline: Baseline | undefined,
  problems: AnswerCounts['problems'],
): AnswerCounts => ({
  captured: byArm(records, () => true),
  judged: byArm(records, (record) => isRight(record) !== undefined),
  wrong: byArm(records, (record) => isRight(record) === false),
  kinds: baseline ? countKinds(records, baseline) : [],
  problems,
});
