"""What a person wants of attributes, what is known of them, and what comes of both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bucketline.model import Attributes, Change, nothing
from bucketline.stores.base import Abilities

KEEP = "keep"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What is wanted. What is asked for by name must arrive, or the object fails."""

    tier: str = ""  # "" = the source's, if the target is known to have it; keep; or a class.
    encryption: str = ""  # "" = the target's; none = the same, and said to be right; keep; or one.
    key_id: str = ""  # Of the key service.
    bucket_key: bool | None = None
    acl: str = ""  # keep, or a canned one.
    lock: str = ""  # none, keep, or a mode.
    lock_until: str = ""  # As S3 writes a time.
    legal_hold: str = ""  # none, keep, ON
    content_type: str = ""  # none = not even by the file's name.
    headers: Mapping[str, str] = field(default_factory=nothing)
    metadata: Mapping[str, str] = field(default_factory=nothing)
    tags: bool = True
    strict: bool = False  # An object that would lose anything fails instead.
    now: str = ""  # When the run began, as S3 writes a time: locks that ended before are over.
    is_silent: bool = field(init=False, default=False)  # Nothing is asked for.

    def __post_init__(self) -> None:
        words = (self.tier, self.encryption, self.acl, self.lock, self.legal_hold)
        values = (self.content_type, self.headers, self.metadata, not self.tags, self.strict)
        object.__setattr__(self, "is_silent", not any((*words, *values)))

    @property
    def by_name(self) -> frozenset[str]:
        """The attributes that this asks for by name."""
        asked = {
            "storage-class": self.tier not in {"", KEEP},
            "encryption": self.encryption not in {"", NONE, KEEP},
            "acl": self.acl not in {"", KEEP},
            "object-lock": self.lock not in {"", NONE, KEEP},
            "legal-hold": self.legal_hold == "ON",
            "metadata": bool(self.metadata),
            "content-type": self.content_type not in {"", NONE},
        }
        return frozenset(self.headers) | {name for name, is_asked in asked.items() if is_asked}


AS_IT_IS = Fidelity()


class Given(NamedTuple):
    """What is known of the object at its source."""

    attributes: Attributes
    key: str = ""
    modified: float = 0.0
    tag_count: int = 0
    other_grants: int = 0  # To accounts, which no canned ACL can say.
    is_file: bool = False  # Its name tells its type, unless somebody gave it another.
    way: str = ""  # "" or IN_PARTS: some servers keep less of what comes in parts.


class Fitted(NamedTuple):
    """What to write, and what of it is not as it was."""

    attributes: Attributes
    changes: tuple[Change, ...] = ()
    refusal: str = ""  # Why it must not be written at all.


@dataclass(slots=True)
class Fitting:
    """One object's attributes on their way to a place, and what became of them so far."""

    given: Given
    wish: Fidelity
    able: Abilities
    lost: Collection[str]  # Traits that the place was seen to drop.
    changes: list[Change] = field(default_factory=list)

    def refuse(self, attribute: str, said: str) -> None:
        self.changes.append(Change(attribute, "refused", said))

    def map(self, attribute: str, said: str) -> None:
        self.changes.append(Change(attribute, "mapped", said))

    def is_lost(self, trait: str) -> bool:
        return trait + self.given.way in self.lost
