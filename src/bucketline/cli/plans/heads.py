"""What a plan file says of its two places and its policy, and how both are found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from bucketline import __version__
from bucketline.cli.invocation import Invocation
from bucketline.cli.options import Said, side_of
from bucketline.cli.wiring import identity, places
from bucketline.cli.wish import Wish
from bucketline.errors import Refused, UsageError, printable
from bucketline.flow.plans import Head, SavedPlan
from bucketline.settings import Location, Side

# Of the words of a sync, those that belong to one run and not to what is planned.
_OF_A_RUN = (
    *("workers", "processes", "master", "bwlimit", "max_duration", "max_bytes"),
    *("watch", "every", "logs"),
)


def head_of(wish: Wish, said: Said, made: float, compare: str) -> Head:
    """The first line. Credentials are named by profile at most, never told."""
    policy = {name: word for name, word in wish.words.items() if name not in _OF_A_RUN}
    both, where = _told(side_of(said)), places(wish.source, wish.target)

    def place(name: str, location: Location) -> dict[str, Any]:
        side = _told(side_of(said, f"{name}_"))
        asked = {"side": side, "both": both} if location.remote else {}
        words = {"text": location.text, "identity": identity(location)}
        return {**words, "place": where[name], **asked}

    return Head(
        made=made,
        program=f"bucketline {__version__}",
        source=place("source", wish.source),
        target=place("target", wish.target),
        policy=policy,
        name=wish.name,
        compare=compare,
    )


class Places(NamedTuple):
    """Where a plan is carried out."""

    source: Location
    target: Location


def places_of(invocation: Invocation, saved: SavedPlan, said: Said) -> Places:
    """The places that the plan is for, reached with the credentials of today."""
    head = saved.head
    try:
        return Places(
            _location(invocation, head.source, said, "source_"),
            _location(invocation, head.target, said, "target_"),
        )
    except (KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{saved.path}: does not say its two places as this version does; save it anew"
        ) from None


def _location(invocation: Invocation, told: Mapping[str, Any], said: Said, prefix: str) -> Location:
    text = told["text"]
    if folder := told["place"].get("folder"):
        root = f"{folder.rstrip('/')}/"
        return Location(root, folder=folder)  # Its keys count from there, whatever was typed.
    location = invocation.location(
        text, _again(told["side"], side_of(said, prefix)), _again(told["both"], side_of(said))
    )
    if (now := identity(location)) != told["identity"]:
        raise Refused(
            f"the plan is for {printable(told['identity'])}, and {printable(text)} is"
            f" {printable(now)} here; name the endpoint as it was when the plan was saved"
        )
    return location


def _told(side: Side) -> dict[str, Any]:
    """What was said of a side: endpoints, a profile's name, a region; nothing that was not."""
    plain = asdict(Side())
    return {name: word for name, word in asdict(side).items() if word != plain[name]}


def _again(told: Mapping[str, Any], now: Side) -> Side:
    """What is said now goes before what was said then."""
    words: dict[str, Any] = dict(told)
    if "endpoints" in words:
        words["endpoints"] = tuple(words["endpoints"])
    return replace(Side(**words), **_told(now))
