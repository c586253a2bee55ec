import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { AwsError } from './aws-error.ts';
import { element, escapeXml } from './xml.ts';

/** A request, taken apart. */
export interface Call {
  readonly request: IncomingMessage;
  readonly headers: IncomingHttpHeaders;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
}

export type Operation = (call: Call) => Answer | Promise<Answer>;

/** By method, scope and sub-resource: `GET bucket?versions`. */
export type Operations = Readonly<Record<string, Operation>>;

export const notImplemented = (what: string): AwsError =>
  new AwsError('NotImplemented', 501, `The embedded S3 does not implement ${what}.`);

export const noSuchKey = (key: string): AwsError =>
  new AwsError('NoSuchKey', 404, 'The specified key does not exist.', { Key: key });

export const preconditionFailed = (condition: string): AwsError =>
  new AwsError('PreconditionFailed', 412, 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  });

export const answerXml = (name: string, ...children: readonly string[]): Answer => ({
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${element(name, ...children)}`,
});

/** The answer to a copy: the etag and the time of the object, or part, that was written. */
export const copyResult = (etag: string, modifiedMs: number): string[] => [
  element('ETag', escapeXml(etag)),
  element('LastModified', new Date(modifiedMs).toISOString()),
];
