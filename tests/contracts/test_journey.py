"""The keys that get lost, on a journey: bucket to bucket, to a folder, and back to the bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.local.paths import why_unholdable
from bucketline.stores.s3 import S3Store
from contracts.hostile import HOSTILE
from desk import Desk
from servers import Endpoint, Park

_LOST = {"moto": {"line-feed", "both-line-ends"}}  # 404 for a key with a line feed.


pytestmark = pytest.mark.usefixtures("surroundings")


def held(store: S3Store) -> dict[str, bytes]:
    """What a bucket holds, read object by object."""
    keys = [entry.key for entry in blocking(store.page()).entries]
    return {key: blocking(store.read(key)).body for key in keys}


def is_in_the_way(key: str, keys: set[str]) -> bool:
    """Whether a file of that name and a folder of that name would have to be one."""
    return any(other.startswith(f"{key}/") or key.startswith(f"{other}/") for other in keys)


@pytest.mark.parametrize(
    "name", ["moto", "ministack", pytest.param("radosgw", marks=pytest.mark.radosgw)]
)
def test_hostile_keys_come_unharmed_through_two_buckets_a_folder_and_back(
    name: str, tmp_path: Path, park: Park, capsys: pytest.CaptureFixture[str]
) -> None:
    server: Endpoint = park.endpoint(name)
    first = Desk(tmp_path, server, capsys)
    cases = {case: keys for case, keys in HOSTILE.items() if case not in _LOST.get(name, ())}
    bodies = {key: key.encode() for keys in cases.values() for key in keys}
    for key, body in bodies.items():
        first.object(key, body)
    second = S3Store(server.remote(), f"{first.bucket}-2", clock=SystemClock())
    blocking(second.create_bucket())
    there = f"s3://{second.bucket}/"

    told = first.sync(first.s3, there)

    assert (told["done"], told["failed"]) == (len(bodies), 0)
    assert held(second) == bodies

    *records, told = first.run("sync", there, f"{first.folder}/", code=1)

    failed = {record["key"] for record in records if record["fate"] == "failed"}
    assert told["done"] + told["failed"] == len(bodies)
    assert failed >= {key for key in bodies if why_unholdable(key, len(str(first.folder)) + 1)}
    for key in failed:
        assert why_unholdable(key, len(str(first.folder)) + 1) or is_in_the_way(key, set(bodies))
    for key in bodies.keys() - failed:
        assert (first.folder / key).read_bytes() == bodies[key]

    told = first.sync(f"{first.folder}/", there)

    assert (told["done"], told["failed"]) == (0, 0)
    assert held(second) == bodies
