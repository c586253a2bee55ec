"""boto3 against the S3 of `npm start`. Usage: s3.py <endpoint> <s3 endpoint> <bucket>"""

import io
import os
import sys
import urllib.error
import urllib.request
from time import sleep

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from checks import check, end, equal, refused

_, endpoint, bucket = sys.argv[1:4]
KEYS = dict(region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local")


def connect(**config):
    return boto3.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}, **config), **KEYS)


client = connect()


def read(key, **more):
    return client.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def put_and_get():
    client.put_object(Bucket=bucket, Key="a/ü b", Body=b"content", Metadata={"owner": "me"})
    equal(read("a/ü b"), b"content")
    equal(client.head_object(Bucket=bucket, Key="a/ü b")["Metadata"], {"owner": "me"})
    equal(read("a/ü b", Range="bytes=0-2"), b"con")


def copy():
    client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a/ü b"})
    equal(read("copy"), b"content")
    client.copy({"Bucket": bucket, "Key": "copy"}, bucket, "managed copy")
    equal(read("managed copy"), b"content")


def list_first_version():
    equal([each["Key"] for each in client.list_objects(Bucket=bucket, Prefix="copy")["Contents"]], ["copy"])


def list_second_version():
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    equal(sum(page["KeyCount"] for page in pages) >= 3, True)


def multipart():
    content = os.urandom(12 * 1024 * 1024)
    config = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024)
    client.upload_fileobj(io.BytesIO(content), bucket, "large", Config=config)
    got = io.BytesIO()
    client.download_fileobj(bucket, "large", got, Config=config)
    equal(got.getvalue() == content, True)
    client.copy({"Bucket": bucket, "Key": "large"}, bucket, "large copy", Config=config)
    equal(client.head_object(Bucket=bucket, Key="large copy")["ContentLength"], len(content))


def presigned(version):
    signing = connect(signature_version=version)
    url = signing.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "copy"}, ExpiresIn=60)
    equal(urllib.request.urlopen(url).read(), b"content")
    url = signing.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "signed"}, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(url, b"put", method="PUT", headers={"content-type": ""}))
    equal(read("signed"), b"put")
    url = signing.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "signed", "ContentType": "text/x"}, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(url, b"typed", method="PUT", headers={"content-type": "text/x"}))
    equal([read("signed"), client.head_object(Bucket=bucket, Key="signed")["ContentType"]], [b"typed", "text/x"])
    url = signing.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "copy"}, ExpiresIn=1)
    sleep(2)
    try:
        urllib.request.urlopen(url)
        raise AssertionError("a URL that is over was answered")
    except urllib.error.HTTPError as error:
        equal(error.code, 403)


def delete():
    client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "large"}, {"Key": "large copy"}]})
    refused(lambda: read("large"), "NoSuchKey")


check("put, head, get and range", put_and_get)
check("copy_object and copy", copy)
check("list_objects", list_first_version)
check("list_objects_v2 in pages", list_second_version)
check("upload_fileobj, download_fileobj and copy in parts", multipart)
check("presigned URLs of version 4", lambda: presigned("s3v4"))
check("presigned URLs of version 2", lambda: presigned("s3"))
check("checksums", lambda: client.put_object(Bucket=bucket, Key="sum", Body=b"123456789", ChecksumCRC32="y/Q5Jg=="))
check("wrong checksum is refused", lambda: refused(lambda: client.put_object(Bucket=bucket, Key="sum", Body=b"12345678", ChecksumCRC32="y/Q5Jg=="), "BadDigest"))
check("get_bucket_location", lambda: equal(client.get_bucket_location(Bucket=bucket)["LocationConstraint"], None))
check("delete_objects", delete)
end()
