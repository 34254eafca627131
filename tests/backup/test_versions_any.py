"""Whatever happens at a source that keeps versions, and whenever a backup of them is killed: the
backup has the same past, each version once.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from backup.lives import Life, live
from backup.test_backup_kill import killed
from backup.test_versions import keep_versions, past
from faults.syncing import SOURCE, Job, Pair, client_of, pair
from servers import Endpoint

_ROUNDS = 25 if os.environ.get("BUCKETLINE_SOAK") else 1
_KEYS = st.sampled_from(["a", "a/b", "a b+%25", "ü/é", "q?x=1&y"])
_BODIES = st.sampled_from([b"", b"one", b"two", b"three" * 400])
_MANY = ("--versions", "--max-vanished", "100%", "--max-replaced", "100%")


class Pasts(Life):
    """`there` is what the source has lived through, `kept` how much of it was backed up."""

    @initialize()
    def begin(self) -> None:
        self.open()
        keep_versions(self.vault, self.vault.bucket)
        keep_versions(self.vault, self.vault.backup_bucket)
        self.there: dict[str, list[tuple[bool, bytes]]] = {}
        self.kept: dict[str, list[tuple[bool, bytes]]] = {}

    @rule(key=_KEYS, body=_BODIES)
    def put(self, key: str, body: bytes) -> None:
        self.vault.put(key, body)
        self.there.setdefault(key, []).append((False, body))

    @rule(key=_KEYS)
    def drop(self, key: str) -> None:
        before = self.there.get(key, [])
        self.vault.drop(key)
        after = past(self.vault, self.vault.bucket)[key]
        # Ceph makes no second marker behind one; all others do.
        is_hidden = before[-1:] == [(True, b"")]
        assert after == [*before, (True, b"")] or (after == before and is_hidden)
        self.there[key] = after

    @rule()
    def back_up(self) -> None:
        self.vault.back_up(*_MANY)
        self.kept = {key: list(many) for key, many in self.there.items()}

    @rule()
    def lose_the_catalogue(self) -> None:
        bucket = self.vault.backup_bucket
        pages = self.vault.client.list_object_versions(Bucket=bucket, Prefix=".bucketline/")
        for one in (*pages.get("Versions", ()), *pages.get("DeleteMarkers", ())):
            self.vault.client.delete_object(
                Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"]
            )

    @rule()
    def restore(self) -> None:
        bucket = self.vault.another()
        keep_versions(self.vault, bucket)
        self.vault.run("restore", self.vault.there, f"s3://{bucket}/", "--versions")
        assert past(self.vault, bucket) == self.kept

    @invariant()
    def the_backup_is_what_it_should_be(self) -> None:
        if self.is_open:
            assert past(self.vault, self.vault.backup_bucket) == self.kept


@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize(
    "place",
    ["ministack", pytest.param("radosgw", marks=[pytest.mark.radosgw, pytest.mark.slow])],
)
def test_any_past(
    place: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir(exist_ok=True)
    live(Pasts, request.getfixturevalue(place), capsys, quick=3)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path / "servers", source="ministack", target="ministack") as both:
        both.fill({})
        both.make_target("kept")
        for server, bucket in ((both.source, SOURCE), (both.target, "kept")):
            client_of(server).put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        yield both


def lived(both: Pair, server: Endpoint, bucket: str) -> dict[str, list[tuple[bool, str]]]:
    """Every key's versions, oldest first: whether it is a marker, and its etag."""
    del both
    pages = client_of(server).get_paginator("list_object_versions").paginate(Bucket=bucket)
    found: dict[str, list[tuple[Any, tuple[bool, str]]]] = {}
    for page in pages:
        for one in page.get("Versions", ()):
            found.setdefault(one["Key"], []).append((one["LastModified"], (False, one["ETag"])))
        for one in page.get("DeleteMarkers", ()):
            found.setdefault(one["Key"], []).append((one["LastModified"], (True, "")))
    return {
        key: [what for _, what in sorted(many, key=lambda one: one[0])]
        for key, many in found.items()
        if not key.startswith(".bucketline/")
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(_ROUNDS))
def test_killed_it_goes_on(number: int, servers: Pair, tmp_path: Path) -> None:
    dice = random.Random(f"versions {number}")
    client = client_of(servers.source)
    for step in range(120):
        key = f"k{dice.randrange(30):02}"
        if dice.random() < 0.2:
            client.delete_object(Bucket=SOURCE, Key=key)
        else:
            client.put_object(Bucket=SOURCE, Key=key, Body=b"%d" % step)
    words = ("backup", f"one:{SOURCE}/", "two:kept/", *_MANY)
    job = Job(servers, tmp_path / "state", "kept", instead=words)

    for _ in range(3):
        killed(job, dice)
    done = job.run()

    assert done.code == 0, done.errors
    assert lived(servers, servers.target, "kept") == lived(servers, servers.source, SOURCE)
    assert job.run().summary["done"] == 0
