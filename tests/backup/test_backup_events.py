"""A backup that goes by events of a queue: they are hints, a listing is the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from backup.vault import Vault
from faults import kinds
from faults.proxy import FaultProxy
from servers import ACCESS_KEY, REGION, SECRET_KEY, Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
ODD = "sp ace/ü+%&<"


def sqs_of(server: Endpoint) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


class Told(Vault):
    """`drop`, `put`: the source tells a queue of them."""

    def __init__(self, here: Path, server: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(here, server, capsys)
        self.sqs = sqs_of(server)
        self.queue = self.sqs.create_queue(QueueName=self.bucket)["QueueUrl"]
        place = {"QueueUrl": self.queue, "AttributeNames": ["QueueArn"]}
        arn = self.sqs.get_queue_attributes(**place)["Attributes"]["QueueArn"]
        wanted = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
        self.client.put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"QueueConfigurations": wanted}
        )

    @property
    def words(self) -> tuple[str, ...]:
        return "--events", f"sqs:{self.queue}"

    def hear(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """The summaries."""
        told = self.run("backup", self.s3, self.there, *self.words, *words, code=code)
        return [one for one in told if one["event"] == "summary"]

    def say(self, body: object) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=text)

    @property
    def waiting(self) -> tuple[int, int]:
        """Messages that can be received, and those that were and are not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)
        return tuple(int(told["Attributes"][name]) for name in names)  # type: ignore[return-value]


@pytest.fixture
def vault(moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    vault = Told(tmp_path, moto, capsys)
    for key in ("a", "folder/b", "z"):
        vault.put(key, key.encode())
    return vault


@pytest.fixture
def source(moto: Endpoint) -> Iterator[FaultProxy]:
    with FaultProxy(moto.url) as proxy:
        yield proxy


def event(bucket: str, key: str, **more: Any) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": key, **more}},
            }
        ]
    }


def test_first_all_then_only_what_events_name(vault: Told, source: FaultProxy) -> None:
    first = vault.hear("--source-endpoint-url", source.url)
    assert [one["done"] for one in first] == [3]  # What was told before, the listing has.
    assert vault.waiting == (0, 0)
    vault.put(ODD, b"odd", Tagging="colour=red")
    vault.put("a", b"another")
    source.forget()

    told = vault.hear("--source-endpoint-url", source.url)

    assert [(one["state"], one["done"]) for one in told] == [("complete", 2)]
    assert vault.bodies() == vault.bodies(vault.bucket)
    assert vault.tags(ODD) == {"colour": "red"}
    assert set(vault.rows()) == vault.keys()
    assert {one.key for one in source.seen()} == {ODD, "a"}
    assert source.seen("GET", "list-type") == []
    assert vault.waiting == (0, 0)
    again = vault.hear("--source-endpoint-url", source.url)
    assert [one["done"] for one in again] == [0]


def test_a_hint_calls_nothing_deleted_and_the_next_listing_does(vault: Told) -> None:
    vault.hear()
    vault.drop("a", "z")

    vault.hear()

    assert (vault.deleted(), vault.waiting) == (set(), (0, 0))
    vault.hear("--reconcile-every", "1s")
    assert vault.deleted() == {"a", "z"}
    vault.put("a", b"a")
    vault.hear()
    assert vault.deleted() == {"z"}  # What a hint says is back, is looked at: it is.
    assert vault.rows()["a"].deleted == ""


def test_what_no_event_told_of_is_found_by_the_listing(vault: Told) -> None:
    vault.hear()
    vault.put("lost", b"x")
    vault.sqs.purge_queue(QueueUrl=vault.queue)
    vault.hear()
    assert vault.keys() == {"a", "folder/b", "z"}

    vault.hear("--reconcile-every", "1s")

    assert vault.bodies() == vault.bodies(vault.bucket)


def test_twice_late_or_in_any_order_ends_the_same(vault: Told) -> None:
    vault.hear()
    vault.put("b", b"old")
    vault.put("b", b"new")
    vault.drop("a")
    vault.put("a", b"last")
    for key, more in (("b", {"sequencer": "02"}), ("b", {"sequencer": "01"}), ("a", {})):
        vault.say(event(vault.bucket, key, **more))
    vault.say(event(vault.bucket, "never"))

    told = vault.hear()

    assert sum(one["done"] for one in told) == 2
    assert vault.bodies() == vault.bodies(vault.bucket)
    assert vault.waiting == (0, 0)


STRANGE = (
    "no JSON",
    "[]",
    '"text"',
    '{"Records": []}',
    '{"Records": [{"s3": {}}]}',
    '{"Records": [{"s3": {"bucket": {"name": "elsewhere"}, "object": {"key": "a"}}}]}',
    '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "elsewhere"}',
)


def test_what_is_not_of_our_bucket_stays_in_the_queue(vault: Told) -> None:
    vault.hear()
    for body in STRANGE:
        vault.say(body)
    vault.put("new", b"x")

    vault.hear()

    assert vault.bodies()["new"] == b"x"
    assert vault.waiting == (0, len(STRANGE))


def test_a_test_event_of_ours_and_keys_that_are_none_are_done_with(vault: Told) -> None:
    vault.hear()
    vault.say({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": vault.bucket})
    vault.say(event(vault.bucket, "x" * 2_000))
    vault.say(event(vault.bucket, ""))

    vault.hear()

    assert vault.waiting == (0, 0)


def test_what_failed_stays_in_the_queue(vault: Told, source: FaultProxy) -> None:
    vault.hear("--source-endpoint-url", source.url)
    vault.put("denied", b"x")
    vault.put("fine", b"y")
    source.add(kinds.refuse(403, "AccessDenied"), path="/denied")

    told = vault.hear("--source-endpoint-url", source.url, code=1)

    assert [(one["done"], one["failed"]) for one in told] == [(1, 1)]
    assert vault.keys() == {"a", "folder/b", "z", "fine"}
    assert vault.waiting[1] > 0


def test_many_small_bursts_of_overwrites_are_one(vault: Told) -> None:
    for number in range(12):
        vault.put(f"many/{number:02}", b"x")
    vault.hear()
    for number in range(8):
        vault.put(f"many/{number:02}", b"scrambled")
    vault.hear()
    for number in range(8, 12):
        vault.put(f"many/{number:02}", b"scrambled")

    vault.hear(code=7)

    assert vault.bodies()["many/11"] == b"x"
    assert vault.waiting[1] > 0
    vault.say(event(vault.bucket, "many/11"))
    vault.hear("--max-replaced", "50")
    assert vault.bodies()["many/11"] == b"scrambled"


def test_a_queue_that_is_not_there_is_told(vault: Told) -> None:
    gone = f"sqs:{vault.queue}-gone"
    assert vault.ended("backup", vault.s3, vault.there, "--events", gone)[0] == 5


QUEUE = ("--events", "sqs:http://127.0.0.1/1/q")
WRONG = (
    ("--events", "sqs:somewhere"),
    ("--events", "kafka:topic"),
    ("--watch",),
    ("--reconcile-every", "1h"),
    (*QUEUE, "--from-inventory", "x/manifest.json"),
)


def test_what_does_not_go_together_is_told_at_once(vault: Told) -> None:
    for words in WRONG:
        assert vault.ended("backup", vault.s3, vault.there, *words)[0] == 2
    assert vault.keys() == set()


def test_numbers_of_named_keys_are_none_of_a_bucket(vault: Told, tmp_path: Path) -> None:
    """That a bucket shrank would be told of each pass; and each would be told by itself."""
    file = tmp_path / "it.prom"
    to = ("--metrics-file", str(file))
    vault.hear(*to)
    assert f'bucket="{vault.bucket}"}} 3' in file.read_text()
    vault.put("new", b"x")

    assert vault.hear(*to)[-1]["done"] == 1

    text = file.read_text()
    assert 'fate="done"} 1' in text
    assert "bucketline_bucket_objects" not in text
