import { createHash, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { DatabaseSync } from 'node:sqlite';

/** A queue as the stack declares it. */
export interface QueueSettings {
  readonly name: string;
  readonly visibilityTimeoutSeconds: number;
  /** The queue that takes a message which was received `maxReceiveCount` times and is still there. */
  readonly redrive?: { readonly deadLetterQueue: string; readonly maxReceiveCount: number };
}

export interface Message {
  readonly id: string;
  readonly body: string;
  readonly md5OfBody: string;
  readonly receiptHandle: string;
  readonly receiveCount: number;
  readonly sentMs: number;
  readonly firstReceivedMs: number;
}

export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, queue TEXT NOT NULL, body TEXT NOT NULL, sentMs INTEGER NOT NULL, visibleAtMs INTEGER NOT NULL,
    receiveCount INTEGER NOT NULL DEFAULT 0, firstReceivedMs INTEGER, receiptHandle TEXT
  ) STRICT;`;

const RECEIVE = `
  UPDATE messages
  SET visibleAtMs = :now + :visibilityTimeoutMs, receiveCount = receiveCount + 1, receiptHandle = :receipt || '.' || id,
    firstReceivedMs = coalesce(firstReceivedMs, :now)
  WHERE id IN (SELECT id FROM messages WHERE queue = :queue AND visibleAtMs <= :now ORDER BY sentMs, rowid LIMIT :limit)
  RETURNING id, body, receiptHandle, receiveCount, sentMs, firstReceivedMs`;

const REDRIVE = `
  UPDATE messages SET queue = :deadLetterQueue, receiveCount = 0, firstReceivedMs = NULL
  WHERE queue = :queue AND visibleAtMs <= :now AND receiveCount >= :maxReceiveCount`;

const md5Of = (text: string): string => createHash('md5').update(text).digest('hex');

/** Standard queues that survive a restart. Every method acts on the queue that it is given the settings of. */
export class SqsQueues {
  readonly #database: DatabaseSync;
  readonly #visible = new EventEmitter();

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(SCHEMA);
    // Whoever had received a message ended with the process before this one.
    database.prepare('UPDATE messages SET visibleAtMs = min(visibleAtMs, ?)').run(Date.now());
  }

  send(queue: string, body: string): Pick<Message, 'id' | 'md5OfBody'> {
    const now = Date.now();
    const id = randomUUID();
    this.#database
      .prepare('INSERT INTO messages (id, queue, body, sentMs, visibleAtMs) VALUES (?, ?, ?, ?, ?)')
      .run(id, queue, body, now, now);
    this.#visible.emit('change');
    return { id, md5OfBody: md5Of(body) };
  }

  /** At most `limit` visible messages, which become invisible; waits for the first one as long as `waitMs`, or until `signal`. */
  async receive(queue: QueueSettings, limit: number, waitMs: number, signal: AbortSignal): Promise<Message[]> {
    const endMs = Date.now() + waitMs;
    while (!signal.aborted) {
      const messages = this.#take(queue, limit);
      const remainingMs = endMs - Date.now();
      if (messages.length > 0 || remainingMs <= 0) return messages;
      const timeout = AbortSignal.timeout(Math.min(remainingMs, this.#untilVisibleMs(queue)));
      await once(this.#visible, 'change', { signal: AbortSignal.any([signal, timeout]) }).catch(() => undefined);
    }
    return [];
  }

  #take({ name, visibilityTimeoutSeconds, redrive }: QueueSettings, limit: number): Message[] {
    const now = Date.now();
    if (redrive) this.#database.prepare(REDRIVE).run({ queue: name, now, ...redrive });
    const rows = this.#database.prepare(RECEIVE).all({
      queue: name,
      now,
      limit,
      visibilityTimeoutMs: visibilityTimeoutSeconds * 1000,
      receipt: randomUUID(),
    });
    return rows.map((row) => ({
      id: String(row.id),
      body: String(row.body),
      md5OfBody: md5Of(String(row.body)),
      receiptHandle: String(row.receiptHandle),
      receiveCount: Number(row.receiveCount),
      sentMs: Number(row.sentMs),
      firstReceivedMs: Number(row.firstReceivedMs),
    }));
  }

  #untilVisibleMs({ name }: QueueSettings): number {
    const row = this.#database.prepare('SELECT min(visibleAtMs) AS atMs FROM messages WHERE queue = ?').get(name);
    return typeof row?.atMs === 'number' ? Math.max(1, row.atMs - Date.now()) : Number.MAX_SAFE_INTEGER;
  }

  /** Deletes a message. A receipt of an earlier reception deletes nothing, as in SQS. */
  delete({ name }: QueueSettings, receiptHandle: string): void {
    this.#database.prepare('DELETE FROM messages WHERE queue = ? AND receiptHandle = ?').run(name, receiptHandle);
  }

  /** Makes a message visible after so many seconds. A receipt of an earlier reception changes nothing. */
  hide({ name }: QueueSettings, receiptHandle: string, seconds: number): void {
    this.#database
      .prepare('UPDATE messages SET visibleAtMs = ? WHERE queue = ? AND receiptHandle = ?')
      .run(Date.now() + seconds * 1000, name, receiptHandle);
    this.#visible.emit('change');
  }

  depth({ name }: QueueSettings): QueueDepth {
    const row = this.#database
      .prepare(
        'SELECT count(*) AS total, count(*) FILTER (WHERE visibleAtMs <= ?) AS visible FROM messages WHERE queue = ?',
      )
      .get(Date.now(), name);
    const visible = Number(row?.visible);
    return { visible, inFlight: Number(row?.total) - visible };
  }
}
