"""A program of the old days that reads logs: what its service offered, over the same bucket."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config

from servers import ACCESS_KEY, REGION, SECRET_KEY

Log = dict[str, Any]


def epoch_of(name: str) -> int:
    """As it took a name apart: behind the last `_`, up to the first dot."""
    return int(name.rsplit("_", maxsplit=1)[-1].split(".", maxsplit=1)[0])


class OldReader:
    """Lists by time, gets one, gets the latest; leaves out the objects unless they are wanted."""

    def __init__(self, url: str, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}),
        )

    def names(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._prefix}/"
        )
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return [key.replace(f"{self._prefix}/", "", 1) for key in keys]

    def logs(self, start: int, end: int) -> list[str]:
        return [name for name in self.names() if start <= epoch_of(name) <= end]

    def log(self, epoch: int, *, retrieve_objects_moved: bool = False) -> Log:
        key = f"{self._prefix}/dt_data_{epoch}.json"
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        log: Log = json.loads(body.decode("utf-8"))
        if not retrieve_objects_moved:
            log.pop("objects_moved", None)
        return log

    def latest(self) -> Log:
        return self.log(max(map(epoch_of, self.names())))
