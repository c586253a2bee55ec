/** Times 64 uploads through the packaged on-upload against decoding the same photos in a loop and running them as one batch. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { measureInTurn, timeMs } from '../figures.ts';
import { openClassifier } from '../floors/classifier.ts';
import { assertSameLabels, type LabelScore, toLabels } from '../labels.ts';
import { script } from '../script.ts';

export interface BatchInput {
  readonly handlerPath: string;
  readonly graphPath: string;
  readonly id2label: Readonly<Record<string, string>>;
  readonly photoPaths: readonly string[];
  /** One per turn, of the first photos under keys of their own: what has its result is not predicted again. */
  readonly events: readonly SQSEvent[];
  /** Where the results of the last event are to be read, in the order of the photos. */
  readonly resultUrls: readonly string[];
  readonly rounds: number;
}

export type BatchTimes = Readonly<Record<'floor' | 'upload', number[]>>;

const CLASSES = 1000;
const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 120_000 };

script(async (input: BatchInput): Promise<BatchTimes> => {
  const { handler } = (await import(input.handlerPath)) as {
    handler: (event: SQSEvent, context: unknown) => Promise<SQSBatchResponse>;
  };
  const photos = input.photoPaths.map((file) => readFileSync(file));
  const classify = await openClassifier(input.graphPath);
  let logits: Float32Array = new Float32Array();
  const turns = { floor: input.events.values(), upload: input.events.values() };
  const nextEvent = (contender: keyof typeof turns) => turns[contender].next().value as SQSEvent;

  const times = await measureInTurn(
    { rounds: input.rounds },
    {
      floor: () => {
        const batch = photos.slice(0, nextEvent('floor').Records.length);
        return timeMs(async () => {
          logits = await classify(batch);
        });
      },
      upload: () => {
        const event = nextEvent('upload');
        return timeMs(async () => {
          const { batchItemFailures } = await handler(event, context);
          assert.deepEqual(batchItemFailures, []);
        });
      },
    },
  );
  for (const [index, url] of input.resultUrls.entries()) {
    const { result, batchSize } = (await (await fetch(url)).json()) as { result: LabelScore[]; batchSize: number };
    assert.equal(batchSize, photos.length);
    assertSameLabels(result, toLabels(logits.subarray(index * CLASSES, (index + 1) * CLASSES), input.id2label));
  }
  return times;
});
