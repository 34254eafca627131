"""A backup of versions that goes by events: each key that is named, with all that it has been."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backup.test_backup_events import Told, event, sqs_of
from backup.test_versions import PAST, keep_versions, live, past
from backup.vault import Vault
from faults.proxy import FaultProxy
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


class Queued(Told):
    """The queue is another server's, and nobody but the test tells it anything."""

    def __init__(
        self, here: Path, server: Endpoint, queues: Endpoint, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Vault.__init__(self, here, server, capsys)
        self.sqs = sqs_of(queues)
        self.queue = self.sqs.create_queue(QueueName=self.bucket)["QueueUrl"]
        for bucket in (self.bucket, self.backup_bucket):
            keep_versions(self, bucket)


@pytest.fixture
def vault(
    ministack: Endpoint, moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Queued:
    return Queued(tmp_path, ministack, moto, capsys)


def told_of(vault: Told, *keys: str) -> None:
    for key in keys:
        vault.say(event(vault.bucket, key))


def both(vault: Told) -> tuple[dict[str, list[PAST]], dict[str, list[PAST]]]:
    return past(vault, vault.bucket), past(vault, vault.backup_bucket)


def test_what_is_named_comes_with_all_that_it_was(vault: Told, ministack: Endpoint) -> None:
    live(vault)
    with FaultProxy(ministack.url) as source:
        words = ("--versions", "--source-endpoint-url", source.url)
        vault.hear(*words)
        ours, theirs = both(vault)
        assert ours == theirs
        vault.put("a", b"four")
        vault.put("a", b"five")
        vault.drop("same")
        vault.put("new/ü", b"n")
        vault.put("unsaid", b"u")
        told_of(vault, "a", "same", "new/%C3%BC", "a", "nobody")
        source.forget()

        (told,) = vault.hear(*words)

        assert (told["done"], vault.waiting) == (3, (0, 0))
        assert {one.key for one in source.seen() if one.key} <= {"a", "same", "new/ü"}
        assert all(re.search("prefix=[ans]", one.query) for one in source.seen("GET", "versions"))
        ours, theirs = both(vault)
        assert {key: kept for key, kept in ours.items() if key != "unsaid"} == theirs
        assert vault.rows()["same"].deleted
        assert vault.hear(*words)[0]["done"] == 0
        vault.hear(*words, "--reconcile-every", "1s")
        assert both(vault)[0] == both(vault)[1]


@pytest.mark.parametrize(
    ("change", "option"), [("put", "--max-replaced"), ("drop", "--max-vanished")]
)
def test_many_small_bursts_are_one(vault: Told, change: str, option: str) -> None:
    keys = [f"{number:02}" for number in range(40)]
    for key in keys:
        vault.put(key, b"1")
    vault.hear("--versions")
    for at in (0, 5):
        some = keys[at : at + 5]
        for key in some:
            vault.put(key, b"2") if change == "put" else vault.drop(key)
        told_of(vault, *some)
        code = 0 if at == 0 else 7
        vault.hear("--versions", option, "7", code=code)

    held = past(vault, vault.backup_bucket)
    assert [len(held[key]) for key in keys[:10]] == [2] * 5 + [1] * 5
    assert sum(vault.waiting) == 5
