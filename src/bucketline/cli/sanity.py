"""What is refused before any work: two places that overlap, a source that is not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bucketline.errors import DiskError, UsageError, printable
from bucketline.settings import Location, as_folder


def check_pair(source: Location, target: Location) -> None:
    """Raise `UsageError` unless the one can be made to hold what the other holds."""
    check_source(source)
    if source.remote is None and target.remote is None:
        _check_folders(source, target)
    elif source.remote and target.remote and is_same_bucket(source, target):
        _check_prefixes(source, target)


def check_source(source: Location) -> None:
    """A folder that is not mounted must not look like an empty one."""
    if source.remote is not None:
        return
    path, shown = Path(source.folder), printable(source.text)
    if not _exists(path):
        hint = "; a location takes no wildcard, choose with --include" if "*" in source.text else ""
        raise UsageError(f"{shown}: there is no such folder or file{hint}")
    if source.text.endswith("/") and path.is_file():
        raise UsageError(f"{shown}: is a file; leave out the slash at the end")
    if not path.is_dir() and not path.is_file():
        raise UsageError(f"{shown}: is neither a folder nor a file; choose one of them")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise DiskError(f"{path}: cannot be looked at ({error.strerror}); check it") from None


def resolved(source: Location) -> Location:
    """A file is an object of the folder around it."""
    path = Path(source.folder)
    if source.remote or path.is_dir():
        return source
    return replace(source, folder=str(path.parent), prefix=path.name)


def resolved_target(source: Location, target: Location) -> Location:
    """When the source may be one object, a name that is no folder yet is that object's new name."""
    is_name = not target.text.endswith(("/", "/.", "/..")) and target.text not in (".", "..")
    if target.remote or not is_name or Path(target.folder).is_dir() or not _may_be_object(source):
        return target
    path = Path(target.folder)
    return replace(target, folder=str(path.parent), prefix=path.name)


def _may_be_object(source: Location) -> bool:
    if source.remote:
        return bool(source.prefix) and not source.prefix.endswith("/")
    return Path(source.folder).is_file()


def _check_folders(source: Location, target: Location) -> None:
    here, there = (Path(place.folder).resolve() for place in (source, target))
    if here == there or (here.is_file() and here.parent == there):
        raise UsageError(f"source and target are the same: {printable(str(here))}")
    if here in there.parents:
        raise UsageError(
            f"the target {printable(str(there))} is inside the source; every run would copy its own"
            " copies. Choose a target elsewhere"
        )
    if there in here.parents and here.is_dir():
        raise UsageError(
            f"the source {printable(str(here))} is inside the target; choose a target elsewhere"
        )


def is_same_bucket(source: Location, target: Location) -> bool:
    """Whether two buckets are one, by what is said of them."""
    assert source.remote
    assert target.remote
    here, there = (
        {end.lower() for end in place.endpoints} for place in (source.remote, target.remote)
    )
    is_same_service = bool(here & there) or (not here and not there)
    return is_same_service and source.bucket == target.bucket


def _check_prefixes(source: Location, target: Location) -> None:
    if source.prefix == target.prefix:
        raise UsageError(f"source and target are the same: {printable(source.text)}")
    here, there = (as_folder(place.prefix) for place in (source, target))
    if there.startswith(here):
        raise UsageError(
            f"the target {printable(target.text)} is inside the source; every run would copy its"
            " own copies. Choose a target elsewhere"
        )
    if here.startswith(there):
        raise UsageError(
            f"the source {printable(source.text)} is inside the target; choose a target elsewhere"
        )
