import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import { messageOf } from '../core/message-of.ts';
import { show } from '../core/show.ts';
import type { Upload } from '../jobs/upload.ts';
import { UPLOADS_PREFIX } from '../protocol/task-api/object-reference.ts';

/** An upload, before the count of its attempts is known. */
export type AnnouncedUpload = Omit<Upload, 'isLastAttempt'>;

/** The content of a message: uploads, and records that cannot be understood. */
export interface Announcement {
  readonly uploads: readonly AnnouncedUpload[];
  readonly problems: readonly ServingError[];
}

const NOTHING: Announcement = { uploads: [], problems: [] };

const testEvent = v.object({ Service: v.literal('Amazon S3'), Event: v.literal('s3:TestEvent') });
const snsMessage = v.object({ Type: v.literal('Notification'), Message: v.string() });
const eventBridgeEvent = v.object({ source: v.literal('aws.s3'), 'detail-type': v.string(), detail: v.unknown() });
const recordList = v.object({ Records: v.pipe(v.array(v.unknown()), v.minLength(1)) });

const snsRecord = v.object({ EventSource: v.literal('aws:sns'), Sns: v.object({ Message: v.string() }) });
const sqsRecord = v.object({ eventSource: v.literal('aws:sqs'), body: v.string() });
const s3Record = v.object({ eventName: v.string(), s3: v.unknown() });

const bucket = v.object({ name: v.string() });
const key = v.pipe(v.string(), v.nonEmpty());
const etag = v.pipe(v.string(), v.nonEmpty());
const sequencer = v.pipe(v.string(), v.regex(/^[0-9a-f]+$/i, 'expected a hexadecimal number'));
const size = v.optional(v.number(), 0);
const s3Entity = v.object({ bucket, object: v.object({ key, size, sequencer, eTag: etag }) });
const eventBridgeDetail = v.object({ bucket, object: v.object({ key, size, sequencer, etag }) });

/** Names of S3's events; MinIO begins them with `s3:`. The other ones announce no object, and are passed over. */
const CREATION = /^(s3:)?ObjectCreated:/;
const OTHER = /^(s3:)?(Object|Lifecycle|Replication|ReducedRedundancy|IntelligentTiering)/;

const refuse = (problem: string, message: unknown): never => {
  const operator = `it came as ${show(message)}; its message ends among the dead letters`;
  throw new ServingError('INVALID_REQUEST', problem, { operator });
};

/** @throws `INVALID_REQUEST` naming the field that is missing or wrong */
const parseFields = <Output>(
  schema: v.BaseSchema<unknown, Output, v.BaseIssue<unknown>>,
  fields: unknown,
  record: unknown,
): Output => {
  const parsed = v.safeParse(schema, fields);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  return refuse(`the record of an S3 event is incomplete: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`, record);
};

/** S3 writes keys into notifications as a browser writes a form: `+` for a space, the rest per cent. EventBridge has them as they are. */
const decodeKey = (text: string, record: unknown): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return refuse(`the key ${show(text)} is not encoded as S3 encodes keys`, record);
  }
};

/** Reads the messages of a queue that S3 fills for objects below `prefix`, directly or through SNS, EventBridge or another queue. */
export const createNotificationParser = (bucketName: string, prefix = UPLOADS_PREFIX) => {
  const toAnnouncement = (from: string, upload: AnnouncedUpload, record: unknown): Announcement => {
    if (from !== bucketName)
      return refuse(`the record is of the bucket ${show(from)}, expected ${show(bucketName)}`, record);
    const isUpload = upload.key.startsWith(prefix) && !upload.key.endsWith('/');
    return isUpload ? { uploads: [upload], problems: [] } : NOTHING;
  };

  const parseEventBridge = (event: v.InferOutput<typeof eventBridgeEvent>): Announcement => {
    const { 'detail-type': type } = event;
    if (type !== 'Object Created')
      return type.startsWith('Object ') ? NOTHING : refuse('the event of EventBridge is of no object', event);
    const { bucket: from, object } = parseFields(eventBridgeDetail, event.detail, event);
    const { size: sizeBytes, ...rest } = object;
    return toAnnouncement(from.name, { ...rest, sizeBytes }, event);
  };

  const parseRecord = (record: unknown): Announcement => {
    if (v.is(sqsRecord, record)) return parseBody(record.body);
    if (v.is(snsRecord, record)) return parseBody(record.Sns.Message);
    if (!v.is(s3Record, record)) return refuse('the record is of no S3 event', record);
    if (!CREATION.test(record.eventName))
      return OTHER.test(record.eventName) ? NOTHING : refuse('the record is of an event that S3 does not know', record);
    const { bucket: from, object } = parseFields(s3Entity, record.s3, record);
    const { size: sizeBytes, eTag, sequencer: order } = object;
    const upload = { key: decodeKey(object.key, record), sizeBytes, etag: eTag, sequencer: order };
    return toAnnouncement(from.name, upload, record);
  };

  /** A part that cannot be understood is a problem, and no other part suffers. */
  const attempt = (parse: () => Announcement): Announcement => {
    try {
      return parse();
    } catch (error) {
      return { uploads: [], problems: [ServingError.from(error, 'INVALID_REQUEST')] };
    }
  };

  const parseMessage = (message: unknown): Announcement => {
    if (v.is(testEvent, message)) return NOTHING;
    if (v.is(snsMessage, message)) return parseBody(message.Message);
    if (v.is(eventBridgeEvent, message)) return parseEventBridge(message);
    if (!v.is(recordList, message)) return refuse('the message is no event of S3', message);
    const parts = message.Records.map((record) => attempt(() => parseRecord(record)));
    return { uploads: parts.flatMap(({ uploads }) => uploads), problems: parts.flatMap(({ problems }) => problems) };
  };

  const parseBody = (body: string): Announcement =>
    attempt(() => {
      try {
        return parseMessage(JSON.parse(body));
      } catch (error) {
        if (error instanceof SyntaxError) return refuse(`the message is no JSON: ${messageOf(error)}`, body);
        throw error;
      }
    });

  return parseBody;
};
