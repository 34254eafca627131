"""What is known of an endpoint before it was asked: by whose it is, and by what a person said."""

from __future__ import annotations

from dataclasses import replace

from bucketline.settings import Remote
from bucketline.stores.base import Abilities

_READABLE_TIERS = frozenset(
    {"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "REDUCED_REDUNDANCY"}
)
# Of strangers: tags until a write with them shows that they are not kept.
_USUAL = Abilities(tags=True, keeps_attributes=False, tiers=frozenset(), begin_keeps_object=None)
_OF_AWS = Abilities(
    tags=True,
    tiers=_READABLE_TIERS,
    metadata_size_max=2048,
    versions=True,
    conditional_write=True,
    checksums=frozenset({"crc64nvme", "crc32c", "crc32", "sha1", "sha256"}),
)


def abilities_of(remote: Remote, *, is_aws: bool) -> Abilities:
    able = _OF_AWS if is_aws else _USUAL
    return replace(
        able,
        seals=remote.customer_key is not None,
        part_size_min=remote.part_size_min or able.part_size_min,
        part_size_max=remote.part_size_max or able.part_size_max,
        parts_max=remote.parts_max or able.parts_max,
        object_size_max=remote.object_size_max or able.object_size_max,
        begin_keeps_object=able.begin_keeps_object
        if remote.begin_keeps_object is None
        else remote.begin_keeps_object,
    )
