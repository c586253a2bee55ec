import { ServingError } from '../../src/core/errors.ts';
import { defineCommand } from '../command.ts';
import { misuse } from '../options/misuse.ts';
import { openDeadLetters } from '../targets/dead-letters.ts';

const DEFAULT_LIMIT = '1000';

const parseLimit = (text: string): number => {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  misuse(`--limit ${text}, expected a number of messages from 1 to 999999`);
};

const describe = (count: number): string => `${count} ${count === 1 ? 'message' : 'messages'}`;

export const redrive = defineCommand({
  summary: 'send uploads among the dead letters back to their queue',
  description: `Uploads whose last attempt failed lie among the dead letters for 14 days. This sends as many back as lie there now, up to
--limit: each gets all its attempts again. Uploads that have been answered since are skipped.`,
  positionals: [],
  options: {
    limit: { type: 'string', value: '<count>', description: `messages to send at most (default: ${DEFAULT_LIMIT})` },
    'dry-run': { type: 'boolean', description: 'count the messages, and send none' },
  },
  onInterruption: (typed) =>
    `Interrupted. Some messages may have been sent; the same command sends the rest: ${typed}\n`,
  async run({ values, target }) {
    const limit = parseLimit(values.limit ?? DEFAULT_LIMIT);
    const { deadLetters: queue, description } = await target();
    if (queue === undefined)
      throw new ServingError('INVALID_REQUEST', `the ${description} has no queue of dead letters`);
    const dryRun = values['dry-run'] ?? false;
    const deadLetters = openDeadLetters(queue);
    try {
      const found = await deadLetters.count();
      if (dryRun) {
        const most = Math.min(found, limit);
        return {
          json: { found, moved: 0, dryRun },
          text: `Would send ${describe(most)} of ${found} back to the queue`,
        };
      }
      // Those that end there again meanwhile are left: nothing is sent round in circles.
      const moved = await deadLetters.redrive(Math.min(found, limit));
      return { json: { found, moved, dryRun }, text: `Sent ${describe(moved)} of ${found} back to the queue` };
    } finally {
      deadLetters.close();
    }
  },
});
