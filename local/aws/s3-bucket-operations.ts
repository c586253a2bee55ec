import type { S3Objects } from './s3-objects.ts';
import { answerXml, type Operations } from './s3-operation.ts';
import { element } from './xml.ts';

export const createBucketOperations = (objects: S3Objects): Operations => ({
  'GET service': () => {
    const buckets = objects
      .listBuckets()
      .map(({ name, createdMs }) =>
        element('Bucket', element('Name', name), element('CreationDate', new Date(createdMs).toISOString())),
      );
    return answerXml('ListAllMyBucketsResult', element('Buckets', ...buckets));
  },
  'PUT bucket': ({ bucket }) => {
    objects.createBucket(bucket);
    return {};
  },
  'HEAD bucket': ({ bucket }) => {
    objects.assertBucket(bucket);
    return {};
  },
  'GET bucket?location': ({ bucket }) => {
    objects.assertBucket(bucket);
    return answerXml('LocationConstraint'); // empty for us-east-1
  },
  'GET bucket?versioning': ({ bucket }) => {
    objects.assertBucket(bucket);
    return answerXml('VersioningConfiguration'); // empty where it was never switched on
  },
  'DELETE bucket': ({ bucket }) => {
    objects.deleteBucket(bucket);
    return { status: 204 };
  },
});
