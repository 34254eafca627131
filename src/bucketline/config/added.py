"""A remote that comes into the configuration by itself; all else in the file stays as it is."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml.comments import CommentedMap

from bucketline.config import load as checked
from bucketline.config.document import load, writer
from bucketline.durable import replace_file
from bucketline.errors import ConfigError, Refused
from bucketline.settings import Environment


def has_remote(path: Path, name: str, words: Mapping[str, Any]) -> bool:
    """Whether the file says all of it already."""
    remotes = _document(path).get("remotes")
    found = remotes.get(name) if isinstance(remotes, Mapping) else None
    return isinstance(found, Mapping) and all(found.get(w) == v for w, v in words.items())


def add_remote(path: Path, name: str, words: Mapping[str, Any]) -> None:
    """Write it, or bring these words of it up to date. Raises `Refused` where another has it."""
    _document(path)  # What is wrong with it is told by its place.
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    yaml = writer(text)
    document = yaml.load(text)
    out = StringIO()
    if document is None:  # Comments alone belong to no document.
        document = CommentedMap()
        out.write(text if not text or text.endswith("\n") else f"{text}\n")
    if not isinstance(document.get("remotes"), CommentedMap):
        document["remotes"] = CommentedMap()
    remote = document["remotes"].setdefault(name, CommentedMap({"profile": words["profile"]}))
    if not isinstance(remote, CommentedMap) or remote.get("profile") != words["profile"]:
        raise Refused(
            f"{path}: remotes.{name} is another one, without profile: {words['profile']}; rename it"
        )
    remote.update({word: value for word, value in words.items() if remote.get(word) != value})
    yaml.dump(document, out)
    _prove(out.getvalue())
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
    replace_file(path.resolve(), out.getvalue(), mode)  # A link stays a link.


def _document(path: Path) -> Any:
    document = load(path) if path.exists() else CommentedMap()
    if not isinstance(document, CommentedMap):
        raise ConfigError(f"{path}:1:1: must be a section; write NAME: lines under it")
    return document


def _prove(text: str) -> None:
    """It is a configuration: nothing else may take the place of one."""
    with TemporaryDirectory(prefix="bucketline-remote-") as folder:
        copy = Path(folder, "config.yaml")
        copy.write_text(text, encoding="utf-8")
        checked(copy, Environment({}))
