"""A device as a remote of our configuration, with what its front end does otherwise."""

from __future__ import annotations

from typing import Any

from bucketline.engines.edge.device import Front
from bucketline.engines.edge.folder import VENDOR, DeviceFolder
from bucketline.settings import Keys, Remote

_PART = "512M"  # What both front ends of the vendor's device take at most.
_OBJECT = "5T"
_ADAPTER = "s3"


def remote_words(folder: DeviceFolder, front: Front, *, has_trust: bool) -> dict[str, Any]:
    """What the configuration says of it. Its keys are in the AWS profile of the same name."""
    said: dict[str, Any] = {
        "endpoints": [front.url, *front.others],
        "region": folder.region,
        "profile": folder.name,
        "path_style": True,
    }
    if has_trust and front.url.startswith("https:"):
        said["ca_bundle"] = str(folder.trust_path)
    if folder.provider == VENDOR:
        said |= {"part_size_max": _PART, "object_size_max": _OBJECT}
        if front.service == _ADAPTER:
            said["begin_keeps_object"] = False  # To begin an upload deletes what stood there.
    return said


def remote_of(folder: DeviceFolder, front: Front, keys: Keys) -> Remote:
    """The same for use at once."""
    return Remote(
        name=folder.name,
        endpoints=(front.url, *front.others),
        region=folder.region,
        keys=keys,
        path_style=True,
        ca_bundle=str(folder.trust_path) if folder.trust() else "",
    )
