"""A source and a backup on a real server, the program between them, and another client's eyes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bucketline.clock import SystemClock
from bucketline.engines.backup import Catalogue
from bucketline.engines.backup.rows import Row
from bucketline.flow.drive import blocking, open_drive
from bucketline.stores.s3 import S3Store
from desk import Desk
from faults.syncing import client_of
from servers import Endpoint


class Vault(Desk):
    """`desk.bucket` is the source."""

    def __init__(self, here: Path, server: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(here, server, capsys)
        self.backup_bucket = f"backup-{uuid.uuid4().hex[:12]}"
        self.kept = S3Store(server.remote(), self.backup_bucket, clock=SystemClock())
        blocking(self.kept.create_bucket())
        self.client = client_of(server)

    @property
    def there(self) -> str:
        return f"s3://{self.backup_bucket}/"

    def put(self, key: str, body: bytes, **more: Any) -> None:
        """At the source."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def another(self, **bodies: bytes) -> str:
        """The name of a new bucket with these objects."""
        name = f"other-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        for key, body in bodies.items():
            self.client.put_object(Bucket=name, Key=key, Body=body)
        return name

    def drop(self, *keys: str) -> None:
        for key in keys:
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def back_up(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The summary."""
        told = self.run("backup", self.s3, self.there, *words, code=code)
        return next((one for one in told if one["event"] == "summary"), {})

    def keys(self, bucket: str = "") -> set[str]:
        """All but what is reserved."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket or self.backup_bucket
        )
        keys = {entry["Key"] for page in pages for entry in page.get("Contents", ())}
        return {key for key in keys if not key.startswith(".bucketline/")}

    def bodies(self, bucket: str = "") -> dict[str, bytes]:
        bucket = bucket or self.backup_bucket
        return {
            key: self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in self.keys(bucket)
        }

    def tags(self, key: str, bucket: str = "") -> Mapping[str, str]:
        told = self.client.get_object_tagging(Bucket=bucket or self.backup_bucket, Key=key)
        return {tag["Key"]: tag["Value"] for tag in told["TagSet"]}

    def rows(self, at: float | None = None) -> dict[str, Row]:
        """What the catalogue says."""
        with closing(open_drive()) as drive:
            return {row.key: row for row in Catalogue(self.kept, "", drive, at=at).rows()}

    def manifest(self) -> dict[str, Any]:
        """The newest, as anybody can read it."""
        found = self.client.list_objects_v2(
            Bucket=self.backup_bucket, Prefix=".bucketline/catalogue/"
        )
        name = max(entry["Key"] for entry in found["Contents"] if entry["Key"].endswith(".json"))
        body = self.client.get_object(Bucket=self.backup_bucket, Key=name)["Body"].read()
        told: dict[str, Any] = json.loads(body)
        return told

    def deleted(self) -> set[str]:
        """What the tags call deleted."""
        return {key for key in self.keys() if self.tags(key).get("Deleted") == "True"}
