"""Our configuration with what comes out of an old one; all else in it stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from bucketline.config.document import load, writer
from bucketline.config.scripts.put_away import Safe
from bucketline.config.scripts.translated import Translated, Value
from bucketline.errors import ConfigError, Refused


def entries(fresh: Translated, safe: Safe) -> dict[str, dict[str, dict[str, Value]]]:
    """By section and name, their words."""
    remotes = {name: {**words, **safe.words(name)} for name, words in fresh.remotes.items()}
    jobs = {fresh.job: dict(fresh.job_words)} if fresh.job_words else {}
    rings = {fresh.job: {**fresh.ring_words, **safe.words(fresh.job)}} if fresh.ring_words else {}
    found = {"remotes": remotes, "jobs": jobs, "rings": rings}
    return {section: named for section, named in found.items() if named}


def merged(path: Path, fresh: Translated, safe: Safe, *, replaces: bool) -> str:
    """The file's text with the new entries. Raises `Refused` for names that are taken."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    document = load(path) if text else CommentedMap()
    if not isinstance(document, CommentedMap):
        raise ConfigError(f"{path}:1:1: must be a section; write NAME: lines under it")
    wanted = entries(fresh, safe)
    if not replaces and (taken := _taken(document, wanted)):
        raise Refused(
            f"{path}: has {', '.join(taken)} already; choose another --name, or say --replace"
        )
    if not document:  # Comments alone belong to no document.
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}{fragment(fresh, safe)}"
    yaml = writer(text)
    document = yaml.load(text)
    _insert(document, fresh, wanted)
    return _dumped(yaml, document)


def fragment(fresh: Translated, safe: Safe) -> str:
    """The new entries alone."""
    document = CommentedMap()
    _insert(document, fresh, entries(fresh, safe))
    return _dumped(writer(), document)


def _taken(document: Any, wanted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"{section}.{name}"
        for section, names in wanted.items()
        for name in names
        if name in (document.get(section) or {})
    ]


def _insert(
    document: CommentedMap,
    fresh: Translated,
    wanted: Mapping[str, Mapping[str, Mapping[str, Value]]],
) -> None:
    for section, names in wanted.items():
        if not isinstance(document.get(section), CommentedMap):
            document[section] = CommentedMap()
        for name, words in names.items():
            entry = CommentedMap({word: _plain(value.value) for word, value in words.items()})
            entry.fa.set_block_style()
            for word, value in words.items():
                if value.origin and not isinstance(value.value, list):
                    entry.yaml_add_eol_comment(f"{fresh.old}: {value.origin}", word)
            document[section][name] = entry


def _plain(value: object) -> object:
    """A reference, or a relay, on one line, as people write it."""
    if not isinstance(value, dict):
        return value
    reference = CommentedMap(value)
    reference.fa.set_flow_style()
    return reference


def _dumped(yaml: YAML, document: CommentedMap) -> str:
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()
