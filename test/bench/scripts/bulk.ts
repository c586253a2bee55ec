/** Times chunks of a run through the packaged function bulk against raw loops over the same pictures, and over the same table. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { measureInTurn, timeMs } from '../figures.ts';
import { openClassifier } from '../floors/classifier.ts';
import { openSession } from '../floors/native.ts';
import { assertSameLabels, type LabelScore, toLabels } from '../labels.ts';
import { script } from '../script.ts';

export interface BulkInput {
  readonly handlerPath: string;
  readonly rounds: number;
  /** The keys of the chunks of each turn; the first turn, which does not count, has a short one. */
  readonly turns: readonly (readonly string[])[];
  /** Where the results of the last chunk of the last turn are to be read. */
  readonly resultUrl: string;
  readonly floor: PicturesFloor | TableFloor;
}

export interface PicturesFloor {
  readonly kind: 'pictures';
  readonly graphPath: string;
  readonly id2label: Readonly<Record<string, string>>;
  readonly photoPaths: readonly string[];
  /** Pictures of a turn, of which the loop has the same ones again and again. */
  readonly counts: readonly number[];
  /** Pictures of a run. */
  readonly batch: number;
}

export interface TableFloor {
  readonly kind: 'table';
  readonly graphPath: string;
  readonly labels: readonly string[];
  /** The table of each turn in parts, as the chunks have them. */
  readonly tablePaths: readonly (readonly string[])[];
}

export type BulkTimes = Readonly<Record<'floor' | 'bulk', number[]>>;

const CLASSES = 1_000;
const TOLERANCE = 1e-6;
const { gunzipSync, gzipSync } = process.getBuiltinModule('node:zlib'); // the bundles leave it out
type Loop = (turn: number) => Promise<void>;
type Assert = (lines: readonly { readonly answer: LabelScore[] }[]) => void;

const loopOverPictures = async (floor: PicturesFloor): Promise<{ loop: Loop; assertAnswers: Assert }> => {
  const photos = floor.photoPaths.map((file) => readFileSync(file));
  const classify = await openClassifier(floor.graphPath);
  let logits: Float32Array = new Float32Array();
  const loop: Loop = async (turn) => {
    for (let done = 0; done < (floor.counts[turn] ?? 0); done += floor.batch)
      logits = await classify(
        Array.from({ length: floor.batch }, (_, index) => photos[(done + index) % photos.length] as Buffer),
      );
  };
  const assertAnswers: Assert = (lines) => {
    const last = lines.slice(-floor.batch);
    for (const [index, { answer }] of last.entries())
      assertSameLabels(answer, toLabels(logits.subarray(index * CLASSES, (index + 1) * CLASSES), floor.id2label));
  };
  return { loop, assertAnswers };
};

/** Parses CSV, runs all rows of a part at once, and writes the lines of a chunk, with the digits that JavaScript gives a float32. */
const loopOverTable = async (floor: TableFloor): Promise<{ loop: Loop; assertAnswers: Assert }> => {
  const { session, Tensor } = await openSession(floor.graphPath);
  const tables = floor.tablePaths.map((parts) => parts.map((file) => readFileSync(file)));
  const count = floor.labels.length;
  let lines: string[] = [];
  const loop: Loop = async (turn) => {
    let row = 0;
    for (const part of tables[turn] ?? []) {
      const [header = [], ...records]: string[][] = parse(part);
      const values = Float32Array.from(records.flat(), Number);
      const { probabilities } = await session.run({
        X: new Tensor('float32', values, [records.length, header.length]),
      });
      const scores = probabilities?.data as Float32Array;
      lines = records.map((_, index) => {
        const answer = floor.labels.map((label, place) => ({ label, score: scores[index * count + place] as number }));
        row += 1;
        return JSON.stringify({ row, answer: answer.sort((a, b) => b.score - a.score) });
      });
      gzipSync(`${lines.join('\n')}\n`);
    }
  };
  const assertAnswers: Assert = (answers) => {
    assert.equal(answers.length, lines.length);
    for (const [index, line] of lines.entries()) {
      const { answer: expected }: { answer: LabelScore[] } = JSON.parse(line);
      const { answer = [] } = answers[index] ?? {};
      // The runtime adds up in another order for another number of rows.
      const isSame = expected.every(({ label, score }) =>
        answer.some((each) => each.label === label && Math.abs(each.score - score) < TOLERANCE),
      );
      assert.ok(
        isSame && answer.length === expected.length,
        `row ${index + 1} is ${JSON.stringify(answer)}, not ${line}`,
      );
    }
  };
  return { loop, assertAnswers };
};

const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 900_000 };

script(async (input: BulkInput): Promise<BulkTimes> => {
  const { handler } = (await import(input.handlerPath)) as {
    handler: (event: { readonly key: string }, context: unknown) => Promise<{ readonly failed: number }>;
  };
  const { loop, assertAnswers } = await (input.floor.kind === 'pictures'
    ? loopOverPictures(input.floor)
    : loopOverTable(input.floor));
  const turns = { floor: 0, bulk: 0 };
  const next = (contender: keyof typeof turns): number => {
    turns[contender] += 1;
    return turns[contender] - 1;
  };
  const times = await measureInTurn(
    { rounds: input.rounds },
    {
      floor: () => timeMs(() => loop(next('floor'))),
      bulk: () =>
        timeMs(async () => {
          for (const key of input.turns[next('bulk')] ?? []) assert.equal((await handler({ key }, context)).failed, 0);
        }),
    },
  );
  const body = Buffer.from(await (await fetch(input.resultUrl)).arrayBuffer());
  const lines = gunzipSync(body).toString().split('\n').filter(Boolean);
  assertAnswers(lines.map((line) => JSON.parse(line)));
  return times;
});
