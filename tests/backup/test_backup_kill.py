"""Backup and restore, killed at any moment: started again they end well, and move nothing twice."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bucketline.clock import SystemClock
from bucketline.engines.backup import Catalogue
from bucketline.engines.backup.rows import Row
from bucketline.flow.drive import open_drive
from bucketline.stores.s3 import S3Store
from faults.proxy import FaultProxy
from faults.syncing import SOURCE, Bodies, Job, Pair, client_of, mixed_objects, pair
from faults.test_kill import Killer

pytestmark = pytest.mark.slow
_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_ROUNDS = 17 if _SOAK else 1
_KILLS = 3  # A round, of each of both.
_OBJECTS = 60
_SEED = int(os.environ.get("BUCKETLINE_KILL_SEED", "1"))


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return mixed_objects(_OBJECTS, _SEED + 70, multipart=1)


@pytest.fixture
def servers(tmp_path: Path, bodies: Bodies) -> Iterator[Pair]:
    with pair(tmp_path / "servers", source="moto", target="moto") as both:
        both.fill(bodies)
        tags = {"TagSet": [{"Key": "whose", "Value": "mine"}]}
        for key in bodies:
            client_of(both.source).put_object_tagging(Bucket=SOURCE, Key=key, Tagging=tags)
        both.make_target("kept")
        both.make_target("back")
        yield both


def killed(job: Job, dice: random.Random) -> None:
    """Start it, and kill it at a request of one of its sides; or it ends before."""
    proxy: FaultProxy = dice.choice((job.pair.source_proxy, job.pair.target_proxy))
    killer = Killer(dice)
    proxy.add(killer, nth=dice.randint(1, 2 * _OBJECTS), times=1)
    killer.process = job.start()
    job.finish(killer.process)
    proxy.heal()


def ends(job: Job, dice: random.Random) -> int:
    """Killed some times and then left alone; how many kills there were time for."""
    proxy = job.pair.target_proxy
    for _ in range(_KILLS):
        proven = job.proven()
        proxy.forget()
        killed(job, dice)
        assert sent(proxy) & proven.keys() == set()
    proven = job.proven()
    proxy.forget()
    done = job.run()
    assert done.code == 0, done.errors
    assert sent(proxy) & proven.keys() == set()
    proxy.forget()
    again = job.run()
    assert (again.code, again.summary["done"], sent(proxy)) == (0, 0, set())
    return len(proven)


def sent(proxy: FaultProxy) -> set[str]:
    """Bodies; not tags, and not the catalogue."""
    puts = (seen for seen in proxy.seen("PUT") if "tagging" not in seen.target)
    return {seen.key for seen in puts if not seen.key.startswith(".bucketline/")}


def tags(both: Pair, bucket: str, key: str) -> dict[str, str]:
    told = client_of(both.target).get_object_tagging(Bucket=bucket, Key=key)
    return {tag["Key"]: tag["Value"] for tag in told["TagSet"]}


def rows(both: Pair) -> dict[str, Row]:
    with closing(open_drive()) as drive:
        store = S3Store(both.target.remote(), "kept", clock=SystemClock())
        return {row.key: row for row in Catalogue(store, "", drive).rows()}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(_ROUNDS))
def test_killed_it_goes_on(number: int, servers: Pair, bodies: Bodies, tmp_path: Path) -> None:
    dice = random.Random(f"backup {_SEED} {number}")
    places = (f"one:{SOURCE}/", "two:kept/", "--max-vanished", "100%")
    job = Job(servers, tmp_path / "state", "kept", instead=("backup", *places))
    ends(job, dice)
    gone = set(dice.sample(sorted(bodies), 20))
    for key in gone:
        client_of(servers.source).delete_object(Bucket=SOURCE, Key=key)

    ends(job, dice)

    told = rows(servers)
    assert set(told) == set(bodies)
    assert {key for key, row in told.items() if row.deleted} == gone
    for key in bodies:
        found = tags(servers, "kept", key)
        assert found.pop("whose") == "mine"
        assert set(found) == ({"Deleted", "DeletedAt"} if key in gone else set())

    words = ("restore", "two:kept/", "two:back/", "--include-deleted")
    back = Job(servers, tmp_path / "back", "back", instead=words)
    ends(back, dice)

    held = servers.held("back")
    assert {key: size for key, (size, _) in held.items()} == {k: len(b) for k, b in bodies.items()}
    assert held == {key: servers.held("kept")[key] for key in bodies}
    assert all(tags(servers, "back", key) == {"whose": "mine"} for key in bodies)
