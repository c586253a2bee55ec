import { text } from 'node:stream/consumers';
import { readObjectBytes } from './s3-body.ts';
import { copiedBytes, copySourceOf } from './s3-copies.ts';
import type { S3Objects } from './s3-objects.ts';
import { answerXml, type Call, copyResult, type Operation, type Operations } from './s3-operation.ts';
import type { S3Uploads, Upload } from './s3-uploads.ts';
import { type OnObjectCreated, targetOf, writeGuard } from './s3-writes.ts';
import { element, escapeXml, readElements } from './xml.ts';

/** The upload that a request names, which belongs to its key. */
const uploadOf = ({ bucket, key, query }: Call): Upload => ({ id: query.get('uploadId') ?? '', bucket, key });

/** Multipart uploads. */
export const createUploadOperations = (
  uploads: S3Uploads,
  objects: S3Objects,
  onCreated: OnObjectCreated,
): Operations => {
  const putPart: Operation = async (call) => {
    const { request, query } = call;
    const number = Number(query.get('partNumber'));
    const source = copySourceOf(call, objects);
    const bytes = source ? copiedBytes(source, objects) : readObjectBytes(request);
    const etag = await uploads.putPart(uploadOf(call), number, bytes);
    return source ? answerXml('CopyPartResult', ...copyResult(etag, Date.now())) : { headers: { etag } };
  };

  const completeUpload: Operation = async (call) => {
    const body = await text(call.request);
    const etags = readElements(body, 'ETag');
    const parts = readElements(body, 'PartNumber').map((number, at) => ({
      number: Number(number),
      etag: etags[at] ?? '',
    }));
    const object = await uploads.complete(uploadOf(call), parts, writeGuard(call));
    onCreated(object, 'CompleteMultipartUpload');
    const { bucket, key, etag } = object;
    const fields = { Bucket: bucket, Key: key, ETag: etag };
    const children = Object.entries(fields).map(([name, value]) => element(name, escapeXml(value)));
    return answerXml('CompleteMultipartUploadResult', ...children);
  };

  return {
    'POST object?uploads': (call) => {
      const fields = { Bucket: call.bucket, Key: call.key, UploadId: uploads.create(targetOf(call)) };
      const children = Object.entries(fields).map(([name, value]) => element(name, escapeXml(value)));
      return answerXml('InitiateMultipartUploadResult', ...children);
    },
    'PUT object?partNumber': putPart,
    'POST object?uploadId': completeUpload,
    'DELETE object?uploadId': (call) => {
      uploads.abort(uploadOf(call));
      return { status: 204 };
    },
  };
};
