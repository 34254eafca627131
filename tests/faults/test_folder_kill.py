"""A big object on its way to a folder, killed in the middle: what arrived is not fetched again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from faults.proxy import Exchange
from faults.syncing import MIB, SOURCE, Job, Pair, client_of, pair

_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_ROUNDS = 50 if _SOAK else 1
_PART, _COUNT = 5 * MIB, 20
_AT_ONCE = 8  # Parts under way to a folder, at most.
_KEY = "a b/ü big"


@pytest.fixture(scope="module")
def body() -> bytes:
    return random.Random(1).randbytes(_PART * _COUNT - 4321)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("servers"), source="moto") as both:
        client_of(both.source).create_bucket(Bucket=SOURCE)
        yield both


def put(servers: Pair, body: bytes) -> None:
    client_of(servers.source).put_object(Bucket=SOURCE, Key=_KEY, Body=body)


def put_in_parts(servers: Pair, body: bytes) -> None:
    client = client_of(servers.source)
    upload = client.create_multipart_upload(Bucket=SOURCE, Key=_KEY)["UploadId"]
    of = {"Bucket": SOURCE, "Key": _KEY, "UploadId": upload}
    parts = []
    for number in range(1, _COUNT + 1):
        piece = body[(number - 1) * _PART : number * _PART]
        etag = client.upload_part(**of, PartNumber=number, Body=piece)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    client.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})


@dataclass
class Errand:
    """The sync of it to a folder."""

    job: Job
    folder: Path

    @property
    def left(self) -> list[Path]:
        return [one for one in self.folder.rglob("*") if one.is_file()]

    def fetched(self) -> int:
        """How many bytes of it reached anybody."""
        return sum(one.answer_bytes for one in self.job.pair.source_proxy.seen("GET", r"big$"))

    def killed(self, nth: int) -> None:
        """At that request for some of it, counted from now on."""
        process: list[subprocess.Popen[bytes]] = []

        def killer(exchange: Exchange) -> None:
            os.kill(process[0].pid, signal.SIGKILL)
            exchange.reset()

        self.job.pair.source_proxy.add(killer, method="GET", path=r"big$", nth=nth, times=1)
        process.append(self.job.start())
        assert self.job.finish(process[0]).code == -signal.SIGKILL
        self.job.pair.source_proxy.heal()

    def goes_on(self, body: bytes) -> None:
        done = self.job.run()
        assert (done.code, done.summary["done"]) == (0, 1), done.errors
        assert [one.read_bytes() == body for one in self.left] == [True]
        assert self.job.remembered() == 0


@pytest.fixture(params=["in parts", "in one piece"])
def errand(request: pytest.FixtureRequest, servers: Pair, body: bytes, tmp_path: Path) -> Errand:
    """Its etag tells of parts, or is the MD5 of the whole."""
    put_in_parts(servers, body) if request.param == "in parts" else put(servers, body)
    servers.source_proxy.forget()
    folder = tmp_path / "folder"
    words = ("sync", f"one:{SOURCE}/", f"{folder}/")
    return Errand(Job(servers, tmp_path / "state", instead=words), folder)


@pytest.mark.parametrize("number", range(_ROUNDS))
def test_killed_at_random_requests_it_goes_on(number: int, errand: Errand, body: bytes) -> None:
    dice = random.Random(number)
    kills = 1 + number % 3
    errand.killed(dice.randint(_AT_ONCE + 6, _COUNT - 2))
    for _ in range(kills - 1):
        errand.killed(dice.randint(1, 3))

    errand.goes_on(body)

    again = errand.fetched() - len(body)
    assert 0 <= again <= kills * _AT_ONCE * _PART
    print(f"{kills} kills, {again / _PART:.2f} parts fetched again")


def _other_object(errand: Errand) -> None:
    put(errand.job.pair, b"other")


def _no_object(errand: Errand) -> None:
    errand.job = replace(errand.job, instead=(*errand.job.instead, "--exclude", "*"))


@pytest.mark.parametrize("change", [_no_object, _other_object])
def test_what_is_of_no_use_any_more_goes(change: Callable[[Errand], None], errand: Errand) -> None:
    errand.killed(6)
    assert [one.suffix for one in errand.left] == [".parts"]

    change(errand)
    done = errand.job.run()

    assert done.code == 0, done.errors
    assert [one.read_bytes() for one in errand.left] == ([b"other"] if done.summary["done"] else [])
    assert errand.job.remembered() == 0
