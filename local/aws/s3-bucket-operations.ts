import { DEFAULT_REGION } from '../../src/core/aws-defaults.ts';
import { AwsError } from './aws-error.ts';
import type { S3Objects } from './s3-objects.ts';
import { answerXml, type Operations } from './s3-operation.ts';
import { element } from './xml.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

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
    if (!BUCKET_NAME.test(bucket))
      throw new AwsError(
        'InvalidBucketName',
        400,
        `The bucket name ${JSON.stringify(bucket)} is not valid, expected 3 to 63 lower-case letters, digits, dots and hyphens.`,
      );
    objects.createBucket(bucket);
    return {};
  },
  'HEAD bucket': ({ bucket }) => {
    objects.assertBucket(bucket);
    return { headers: { 'x-amz-bucket-region': DEFAULT_REGION } };
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
