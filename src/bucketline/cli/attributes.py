"""Options about attributes: what of them is kept, and what every object is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from bucketline import attribute_words as words
from bucketline.cli.options import F, Said, options
from bucketline.errors import UsageError
from bucketline.flow.move.wanted import Fidelity

_DAY_SECONDS = 86_400


class Word(click.ParamType):  # type: ignore[type-arg] # Older clicks know no argument.
    """A word that is looked at by a function, and stays what that makes of it."""

    def __init__(self, name: str, look: Callable[[str], Any]) -> None:
        self.name = name
        self._look = look

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._look(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


def keeping_attributes(command: F) -> F:
    """What is kept of attributes, and what is set."""
    return _protecting(_describing(command))


def attributes_alone(command: F) -> F:
    """Whether only they are moved."""
    return options(
        command,
        click.option(
            "--metadata-only",
            is_flag=True,
            help="Of what has the same bytes, bring attributes over; move no bytes.",
        ),
    )


def _protecting(command: F) -> F:
    return options(
        command,
        click.option(
            "--storage-class",
            type=Word("class", words.storage_class),
            metavar="CLASS|keep",
            help="Of what is written; an archive only by its name.",
        ),
        click.option(
            "--sse",
            type=Word("encryption", words.encryption),
            metavar="HOW",
            help="keep, none, AES256, aws:kms or aws:kms:dsse.",
        ),
        click.option("--sse-kms-key-id", metavar="ID", help="The key to encrypt with."),
        click.option(
            "--sse-bucket-key/--no-sse-bucket-key", default=None, help="Fewer calls to KMS."
        ),
        click.option(
            "--acl", type=Word("acl", words.acl), metavar="ACL|keep", help="A canned ACL."
        ),
        click.option(
            "--object-lock",
            type=Word("lock", words.object_lock),
            metavar="LOCK",
            help="keep, none, or MODE:DAYS as in GOVERNANCE:30.",
        ),
        click.option(
            "--legal-hold",
            type=Word("hold", words.legal_hold),
            metavar="HOLD",
            help="keep, on or none.",
        ),
    )


def _describing(command: F) -> F:
    return options(
        command,
        click.option("--content-type", metavar="TYPE", help="Of all; none: not by names either."),
        click.option(
            "--set-header",
            type=Word("header", words.header),
            multiple=True,
            metavar="NAME: VALUE",
            help="For all objects, as in 'Cache-Control: max-age=60'.",
        ),
        click.option(
            "--metadata",
            type=Word("metadata", words.metadata),
            multiple=True,
            metavar="NAME=VALUE",
            help="For all objects, beside their own.",
        ),
        click.option("--tags/--no-tags", default=None, help="Keep tags (default), or leave them."),
        click.option(
            "--strict-attributes/--no-strict-attributes",
            default=None,
            help="Fail what would lose an attribute.",
        ),
    )


_NAMES = (
    "storage_class",
    "sse",
    "sse_kms_key_id",
    "sse_bucket_key",
    "acl",
    "object_lock",
    "legal_hold",
    "content_type",
    "tags",
)


def attribute_words(said: Said, job: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of attributes; of headers and metadata, both sayings together."""
    found = {name: said[name] if said[name] is not None else job.get(name) for name in _NAMES}
    strict = said["strict_attributes"]
    found["strict"] = job.get("strict") if strict is None else strict
    found["headers"] = {**job.get("headers", {}), **dict(said["set_header"])}
    found["metadata"] = {**job.get("metadata", {}), **dict(said["metadata"])}
    found = {name: value for name, value in found.items() if value not in (None, {})}
    _check(found)
    return found


def fidelity_of(asked: Mapping[str, Any], now: float) -> Fidelity:
    """The same as a value; `now` is when locks that are asked for begin."""
    mode, days = words.lock_of(asked.get("object_lock", ""))
    return Fidelity(
        tier=asked.get("storage_class", ""),
        encryption=asked.get("sse", ""),
        key_id=asked.get("sse_kms_key_id", ""),
        bucket_key=asked.get("sse_bucket_key"),
        acl=asked.get("acl", ""),
        lock=mode,
        lock_until=_time(now + days * _DAY_SECONDS) if days else "",
        legal_hold={"on": "ON"}.get(hold := asked.get("legal_hold", ""), hold),
        content_type=asked.get("content_type", ""),
        headers=asked.get("headers", {}),
        metadata=asked.get("metadata", {}),
        tags=asked.get("tags", True),
        strict=asked.get("strict", False),
        now=_time(now),
    )


def _check(asked: Mapping[str, Any]) -> None:
    uses_key_service = asked.get("sse", "") in {"keep", "aws:kms", "aws:kms:dsse"}
    if "sse_kms_key_id" in asked and not uses_key_service:
        raise UsageError("--sse-kms-key-id goes with --sse aws:kms, aws:kms:dsse or keep; say one")
    if "content-type" in asked.get("headers", {}) and "content_type" in asked:
        raise UsageError("--content-type and --set-header both name the type; say one of them")


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
