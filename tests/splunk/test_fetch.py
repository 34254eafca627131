"""A flipped byte is noticed: on its way, in the archive, and on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from bucketline.cli import main
from bucketline.engines.splunk.archive import Archived, scan
from bucketline.engines.splunk.codecs import Damaged
from bucketline.engines.splunk.fetch import Fetched, fetch, joined
from bucketline.engines.splunk.journal import counted
from bucketline.errors import Mismatch, Stale
from bucketline.flow.drive import Drive, blocking, open_drive
from bucketline.flow.look.listing import entries
from bucketline.model import Entry, Proof
from bucketline.stores.base import Flow, Piece, Store
from bucketline.stores.digests import etag_of_parts
from bucketline.stores.memory import Held, MemoryStore
from bucketline.stores.wrap import Around
from desk import Desk
from faults.kinds import flip_answer
from faults.proxy import FaultProxy
from splunk.journals import CODECS, digest, journal, lines, packed, slices
from splunk.site import Site

T = TypeVar("T")
FOLDER = "web/db_20_10_1/"
KEY = f"{FOLDER}rawdata/journal"
PART = 1000
ONLY_SIZE = "0" * 31 + "-2"  # Of parts of which nobody tells the size.
BODY = journal(400, "zstd")


def flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def in_parts(body: bytes, size: int = PART) -> str:
    """The etag of an object of such parts."""
    stretches = [body[at : at + size] for at in range(0, len(body), size)]
    return etag_of_parts([hashlib.md5(one).hexdigest() for one in stretches])


class Archive(MemoryStore):
    """It tells of parts, as S3 does."""

    def first_part(self, entry: Entry) -> Flow[int]:
        yield from ()
        return PART if entry.etag.endswith(f"-{-(-entry.size // PART)}") else 0


class Flipping(Around):
    """These readings of a byte, by number, bring another one."""

    def __init__(self, store: Store, at: int, *strikes: int) -> None:
        super().__init__(store)
        self.at, self.strikes, self.count = at, strikes, 0

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        answer = yield from flow
        start = call.keywords.get("start", 0)
        is_in = isinstance(answer, Piece) and 0 <= self.at - start < len(answer.body)
        self.count += verb == "read" and is_in
        if verb == "read" and is_in and self.count in self.strikes:
            assert isinstance(answer, Piece)
            changed = answer._replace(body=flipped(bytes(answer.body), self.at - start))
            return changed
        return answer


@pytest.fixture
def drive() -> Iterator[Drive]:
    made = open_drive()
    yield made
    made.close()


def held(body: bytes, etag: str, said: bytes = b"") -> Archive:
    """An archive with one journal; `said` is what its etag was made of."""
    store = Archive()
    store.objects[KEY] = Held(body, etag or hashlib.md5(said or body).hexdigest())
    return store


def bucket_of(store: Store, drive: Drive) -> Archived:
    return scan(entries(store, "", drive), "").buckets[0]


def fetched(store: Store, drive: Drive, folder: Path) -> Fetched:
    bucket = bucket_of(store, drive)
    return joined(bucket, fetch(store, drive, bucket, folder))


def places(body: bytes, count: int = 9) -> list[int]:
    return sorted({at * (len(body) - 1) // (count - 1) for at in range(count)})


@pytest.mark.parametrize(
    ("etag", "proof"),
    [("", Proof.ETAG), (in_parts(BODY), Proof.MD5_PARTS), (ONLY_SIZE, Proof.SIZE)],
)
def test_it_is_told_by_what_a_bucket_is_proven(
    etag: str, proof: Proof, drive: Drive, tmp_path: Path
) -> None:
    came = fetched(held(BODY, etag), drive, tmp_path / "b")

    assert came.proof is proof
    assert (tmp_path / "b" / came.journal).read_bytes() == BODY
    assert dict(came.hashes) == {"rawdata/journal": hashlib.sha256(BODY).hexdigest()}


@pytest.mark.parametrize("etag", ["", in_parts(BODY)])
@pytest.mark.parametrize("at", places(BODY))
def test_damage_in_the_archive_is_noticed_by_its_etag(
    etag: str, at: int, drive: Drive, tmp_path: Path
) -> None:
    with pytest.raises(Mismatch, match="do not agree"):
        fetched(held(flipped(BODY, at), etag, BODY), drive, tmp_path / "b")


@pytest.mark.parametrize(("etag", "strikes"), [(in_parts(BODY), (1, 2)), (ONLY_SIZE, (1, 3))])
@pytest.mark.parametrize("at", places(BODY))
def test_damage_on_the_way_is_noticed_whatever_is_told(
    etag: str, strikes: tuple[int, int], at: int, drive: Drive, tmp_path: Path
) -> None:
    store = Flipping(held(BODY, etag), at, *strikes)

    with pytest.raises(Mismatch, match=r"do not agree|each reading"):
        fetched(store, drive, tmp_path / "b")


@pytest.mark.parametrize("etag", ["", in_parts(BODY), ONLY_SIZE])
def test_damage_that_passes_is_mended(etag: str, drive: Drive, tmp_path: Path) -> None:
    came = fetched(Flipping(held(BODY, etag), 77, 1), drive, tmp_path / "b")

    assert (tmp_path / "b" / came.journal).read_bytes() == BODY


@pytest.mark.parametrize("at", [0, 7 << 20, (17 << 20) - 1])
@pytest.mark.parametrize("etag", ["", "parts", ONLY_SIZE])
def test_damage_in_a_large_one_is_noticed_or_mended(
    at: int, etag: str, drive: Drive, tmp_path: Path
) -> None:
    body = bytes(range(256)) * (17 << 12)
    said = in_parts(body) if etag == "parts" else etag

    try:
        came = fetched(Flipping(held(body, said), at, 1), drive, tmp_path / "b")
    except Mismatch:
        return
    assert (tmp_path / "b" / came.journal).read_bytes() == body


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("etag", ["", "parts", ONLY_SIZE])
def test_damage_in_a_slice_is_noticed(codec: str, etag: str, drive: Drive, tmp_path: Path) -> None:
    parts = [packed(plain, codec) for plain in slices(lines(4000))]
    assert len(parts) > 2

    for number, part in enumerate(parts):
        store = Archive()
        for offset, body in enumerate(parts):
            said = in_parts(body) if etag == "parts" else etag or hashlib.md5(body).hexdigest()
            key = f"{FOLDER}rawdata/{offset * 131_072}"
            store.objects[key] = Held(body, said)
        store.objects[f"{FOLDER}rawdata/{number * 131_072}"] = Held(
            flipped(part, len(part) // 2),
            in_parts(part) if etag == "parts" else etag or hashlib.md5(part).hexdigest(),
        )
        folder = tmp_path / str(number)
        try:
            came = fetched(store, drive, folder)
            counted(folder / came.journal)
        except (Mismatch, Damaged):
            continue
        # The archive tells a size alone, and such a compression no checksum: nobody could know.
        assert etag == ONLY_SIZE
        assert codec != "gzip"
        assert came.proof is Proof.SIZE


def test_whole_slices_become_one_journal(drive: Drive, tmp_path: Path) -> None:
    store = Archive()
    parts = [packed(plain, "zstd") for plain in slices(lines(4000))]
    for number, body in enumerate(parts):
        store.objects[f"{FOLDER}rawdata/{number * 131_072}"] = Held(body, in_parts(body))

    came = fetched(store, drive, tmp_path)

    assert counted(tmp_path / came.journal).digest == digest(lines(4000))
    assert [path.name for path in (tmp_path / "rawdata").iterdir()] == ["journal.zst"]
    came.check()


def test_damage_on_the_disk_is_noticed(drive: Drive, tmp_path: Path) -> None:
    came = fetched(held(BODY, ""), drive, tmp_path)
    came.check()

    (tmp_path / came.journal).write_bytes(flipped(BODY, 5))

    with pytest.raises(Mismatch, match="disk holds other bytes"):
        came.check(only_journal=True)


def test_a_slice_that_the_disk_damages_joins_nothing(drive: Drive, tmp_path: Path) -> None:
    store = Archive()
    for number, plain in enumerate(slices(lines(4000))):
        store.objects[f"{FOLDER}rawdata/{number}"] = Held(plain, hashlib.md5(plain).hexdigest())
    bucket = bucket_of(store, drive)
    came = fetch(store, drive, bucket, tmp_path)
    one = tmp_path / "rawdata" / "1"
    one.write_bytes(flipped(one.read_bytes(), 9))

    with pytest.raises(Mismatch, match="disk holds other bytes"):
        joined(bucket, came)


def test_an_object_that_is_another_one_by_now_is_not_taken(drive: Drive, tmp_path: Path) -> None:
    store = held(BODY, "")
    bucket = bucket_of(store, drive)
    blocking(store.write(KEY, journal(3)))

    with pytest.raises(Stale, match="another one now"):
        fetch(store, drive, bucket, tmp_path)


def test_a_program_that_changes_the_journal_places_nothing(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)
    (site.splunk.home / "faults.json").write_text('{"_1_": "flips the journal"}')

    told = site.told(code=1)

    assert "disk holds other bytes" in told[0]["message"]
    assert [*(site.splunk.home / "indexes/web/db").iterdir()] == []


@pytest.mark.slow
def test_a_flip_between_the_server_and_here_is_noticed(
    site: Site, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parts of a real server, each body damaged once on its way."""
    site.splunk.add_index("web")
    key = "ddss/web/db_1651670907_1651669558_1/rawdata/journal"
    body = b"".join(slices(lines(125_000)))
    assert len(body) > 8 << 20
    upload = blocking(desk.store.begin(key, len(body)))
    etags = [
        blocking(desk.store.part(key, upload, number, body[at : at + (5 << 20)], offset=at)).etag
        for number, at in enumerate(range(0, len(body), 5 << 20), start=1)
    ]
    blocking(desk.store.finish(key, upload, etags))
    assert "-" in blocking(desk.store.stat(key)).entry.etag

    with FaultProxy(desk.url) as proxy:
        words = [proxy.url if word == desk.url else word for word in site.words()]
        proxy.add(flip_answer, method="GET", path="rawdata/journal")
        assert main(words) == 1
        out = capsys.readouterr().out
        assert "do not agree" in out
        assert [*(site.splunk.home / "indexes/web/db").iterdir()] == []
        proxy.heal()
        proxy.add(flip_answer, method="GET", path="rawdata/journal", nth=2)
        assert main(words) == 0
    assert site.splunk.evicted != []
