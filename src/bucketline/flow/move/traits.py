"""What a place may keep or drop, each on its own: named, and recognised when it is asked."""

from __future__ import annotations

from collections.abc import Iterator

from bucketline.model import Attributes, Change

IN_PARTS = " in parts"
SSE = "server-side-encryption"
LOCK_MODE, LOCK_UNTIL = "object-lock-mode", "object-lock-retain-until-date"
HOLD = "object-lock-legal-hold"
PROTECTIONS = {SSE: "encryption", "acl": "acl", LOCK_UNTIL: "object-lock", HOLD: "legal-hold"}
NOT_KEPT = "which the target does not keep"
# What S3 says of an object that was given no type.
UNTYPED = frozenset({"binary/octet-stream", "application/octet-stream", ""})


def traits(attributes: Attributes, way: str = "") -> Iterator[str]:
    """All of an object."""
    for name, value in attributes.headers.items():
        if not same_value(name, value, ""):  # Else not to keep it would look alike.
            yield name + way
    if attributes.metadata:
        yield "metadata" + way
        if not all(map(str.isascii, attributes.metadata.values())):
            yield "metadata beyond ASCII" + way
    if attributes.tier:
        yield f"storage-class {attributes.tier}{way}"
    if attributes.protection:
        yield from (name + way for name in PROTECTIONS if name in attributes.protection)


def dropped(trait: str) -> Change:
    """The place does not keep it."""
    trait = trait.removesuffix(IN_PARTS)
    name, _, tier = trait.partition(" ")
    if name == "storage-class":
        return Change(name, "mapped", f"in the standard storage class instead of {tier}")
    if name == "metadata":
        return Change(name, "refused", f"without {trait}, {NOT_KEPT}")
    name = PROTECTIONS.get(name, name)
    return Change(name, "refused", f"without {spoken(name)}, {NOT_KEPT}")


def is_kept(trait: str, written: Attributes, there: Attributes) -> bool:
    """Whether the place, asked for the object, tells what was written."""
    name = trait.removesuffix(IN_PARTS)
    if name.startswith("metadata"):
        return all(
            there.metadata.get(key.lower()) == told for key, told in written.metadata.items()
        )
    if name.startswith("storage-class "):
        return there.tier == written.tier
    if name in written.protection:
        told, wanted = there.protection.get(name, ""), written.protection[name]
        return told[:19] == wanted[:19] if name == LOCK_UNTIL else told == wanted
    return same_value(name, there.headers.get(name, ""), written.headers.get(name, ""))


def is_there(trait: str, there: Attributes) -> bool:
    """Whether the place tells anything of it at all."""
    name = trait.removesuffix(IN_PARTS)
    if name.startswith("metadata"):
        return bool(there.metadata)
    if name.startswith("storage-class "):
        return bool(there.tier)
    return bool(there.headers.get(name) or there.protection.get(name))


def same_value(name: str, one: str, other: str) -> bool:
    """Whether two values of a header say the same."""
    if name == "content-type":
        one, other = ("" if value in UNTYPED else _tight(value) for value in (one, other))
    return one == other


def spoken(name: str) -> str:
    return name.replace("-", " ") if name in PROTECTIONS.values() else name


def _tight(value: str) -> str:
    return value.replace(" ", "").lower()
