"""Small objects in archives: any reader of tars gets them, and until then they are objects."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from hashlib import md5
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from bucketline.clock import FakeClock
from bucketline.errors import Broken, Changed, NoBucket, Unsupported
from bucketline.flow.drive import blocking as call
from bucketline.model import Attributes
from bucketline.stores.base import Flow, Store, Together
from bucketline.stores.memory import MemoryStore
from bucketline.stores.packing import MEMBER_MAX, Packing

KEYS = some.text("ab./ ~é\\", min_size=1, max_size=6).map("in/".__add__) | some.sampled_from(
    ["in/" + "d" * 90 + "/" + "n" * 100, "in/" + "x" * 140, "in/" + "d/" * 90 + "n", "out"]
)
BODIES = some.dictionaries(KEYS, some.binary(max_size=1500), max_size=12)


def packing(store: Store) -> Packing:
    return Packing(store, ["in/"], FakeClock(), quiet_seconds=0.0)


def written(store: Packing, bodies: Mapping[str, bytes]) -> None:
    """All of them at once, as a run does."""
    flows: list[Any] = [store.write(key, body) for key, body in bodies.items()]

    def all_of_them() -> Flow[None]:
        yield Together(flows, width=len(flows) or 1)

    call(all_of_them())


def listed(store: Store, prefix: str = "") -> dict[str, tuple[int, str]]:
    found, token = [], ""
    while True:
        page = call(store.page(prefix, token=token))
        found += page.entries
        token = page.token
        if not token:
            break
    keys = [one.key for one in found]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    return {one.key: (one.size, one.etag) for one in found}


def told(bodies: Mapping[str, bytes]) -> dict[str, tuple[int, str]]:
    return {key: (len(body), md5(body).hexdigest()) for key, body in bodies.items()}


def extract(store: MemoryStore) -> None:
    """What a device does at the end, by a reader of tars that is not ours."""
    for key in [key for key in store.objects if key.endswith(".tar")]:
        with tarfile.open(fileobj=io.BytesIO(store.objects.pop(key).body)) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                call(store.write("in/" + member.name, file.read()))


@given(bodies=BODIES, page_size=some.integers(1, 4))
@example(bodies={"in/a": b"1", "in/b": b"2", "in/zz": b"3"}, page_size=1)
def test_what_is_in_archives_is_told_and_read_as_the_objects(
    bodies: dict[str, bytes], page_size: int
) -> None:
    inner = MemoryStore(page_size=page_size)
    written(packing(inner), bodies)

    fresh = packing(inner)  # Another process, which knows nothing.
    assert listed(fresh) == told(bodies)
    for key, body in bodies.items():
        assert call(fresh.read(key)).body == body
        assert call(fresh.read(key, start=1, size=3)).body == body[1:4]
        assert call(fresh.stat(key)).entry.size == len(body)
    extract(inner)
    assert inner.bodies() == bodies
    assert listed(fresh) == told(bodies)
    assert {key: call(fresh.read(key)).body for key in bodies} == bodies


@given(bodies=BODIES, after=KEYS)
def test_a_listing_may_begin_anywhere(bodies: dict[str, bytes], after: str) -> None:
    store = packing(MemoryStore(page_size=2))
    written(store, bodies)
    call(store.page("in/"))

    page = call(store.page("in/", after=after))

    rest = sorted(key for key in bodies if key > after and key.startswith("in/"))
    keys = [one.key for one in page.entries]
    assert keys == rest[: len(keys)]
    assert page.token or keys == rest


def test_many_objects_are_one_request() -> None:
    inner = MemoryStore()
    written(packing(inner), {f"in/{number:03}": b"x" * number for number in range(1, 200)})

    assert len(inner.objects) == 1


@pytest.mark.parametrize(
    ("key", "attributes"),
    [
        ("in/meta", Attributes(metadata={"a": "b"})),
        ("in/tags", Attributes(tags={"a": "b"})),
        ("in/../up", Attributes()),
        ("in//twice", Attributes()),
        ("in/é", Attributes()),
        ("elsewhere", Attributes()),
        ("in/" + "n" * 120, Attributes()),
    ],
)
def test_what_an_archive_could_not_hold_goes_by_itself(key: str, attributes: Attributes) -> None:
    inner = MemoryStore()

    call(packing(inner).write(key, b"body", attributes=attributes))
    call(packing(inner).write("in/large", bytes(MEMBER_MAX + 1)))

    assert set(inner.objects) == {key, "in/large"}


def test_a_member_is_neither_deleted_nor_taken_for_another() -> None:
    inner = MemoryStore()
    store = packing(inner)
    written(store, {"in/a": b"one", "in/b": b"two"})

    with pytest.raises(Unsupported, match="has yet to extract"):
        call(store.delete("in/a"))
    with pytest.raises(Changed):
        call(store.read("in/a", etag=md5(b"two").hexdigest()))
    call(inner.write("in/a", b"newer"))
    assert listed(store)["in/a"] == (5, md5(b"newer").hexdigest())
    assert call(store.read("in/a")).body == b"newer"


def test_an_archive_that_fails_fails_all_that_is_in_it() -> None:
    inner = MemoryStore()
    inner.is_there = False

    with pytest.raises(NoBucket):
        written(packing(inner), {"in/a": b"one", "in/b": b"two"})


def test_a_damaged_index_is_told() -> None:
    inner = MemoryStore()
    written(packing(inner), {"in/a": b"one"})
    [(key, held)] = inner.objects.items()
    call(inner.write(key, held.body[:-9] + b"\xff" * 9))

    with pytest.raises(Broken, match="index is damaged"):
        listed(packing(inner))


def test_other_files_of_such_a_name_are_objects() -> None:
    inner = MemoryStore()
    call(inner.write("in/bucketline-batch-mine.tar", b"x"))

    assert set(listed(packing(inner))) == {"in/bucketline-batch-mine.tar"}
