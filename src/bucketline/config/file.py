"""Reads the configuration file: every error at once, each with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bucketline.config.document import load, place, spot
from bucketline.config.models import (
    AttributesModel,
    EndpointModel,
    FileModel,
    Filter,
    HooksModel,
    JobModel,
    LimitsModel,
    MetricsModel,
    Reference,
    RelayModel,
    RemoteModel,
    RingModel,
)
from bucketline.config.values import (
    Config,
    Job,
    Limits,
    NamedRemote,
    Remotes,
    Ring,
    SecretReference,
)
from bucketline.errors import ConfigError, printable
from bucketline.settings import Environment, Remote

_SECRETS = {"access_key", "secret_key", "session_token", "sse_c_key"}
_SHAPE: dict[tuple[str, ...], type[BaseModel]] = {
    (): FileModel,
    ("remotes", "*"): RemoteModel,
    ("remotes", "*", "endpoints", "*"): EndpointModel,
    ("jobs", "*"): JobModel,
    ("jobs", "*", "filters", "*"): Filter,
    ("jobs", "*", "attributes"): AttributesModel,
    ("jobs", "*", "hooks"): HooksModel,
    ("jobs", "*", "relay"): RelayModel,
    ("jobs", "*", "metrics"): MetricsModel,
    ("limits",): LimitsModel,
    ("metrics",): MetricsModel,
    ("rings", "*"): RingModel,
}
_SECTIONS = {where[0] for where in _SHAPE if where}
# What pydantic says in its own words, in ours. Never with the input: it may be a secret.
_WORDS = {
    "string_type": "must be text; put it in quotes",
    "bool_type": "must be true or false; write one of them, without quotes",
    "int_type": "must be a whole number; write it without quotes",
    "list_type": "must be a list; write each item on a line of its own after '- '",
    "dict_type": "must be a section; write NAME: lines under it",
    "model_type": "must be a section; write NAME: lines under it",
    "missing": "is missing; add it",
    "string_too_short": "is empty; say something",
}


def read(path: Path, environment: Environment) -> Config:
    """The file's words, or `ConfigError` with every error."""
    document = load(path)
    try:
        model = FileModel.model_validate(_said(document))
    except ValidationError as errors:
        raise ConfigError("\n".join(_explained(path, document, errors))) from None
    if "s3" in model.remotes:
        raise ConfigError(
            f"{place(path, document, ('remotes', 's3'))}: remotes.s3: "
            "s3: is not free as a name; choose another"
        )
    return _config(path, document, model, environment)


def _said(document: Any) -> Any:
    """A section with nothing in it, or nothing left, says nothing."""
    said = _plain(document)
    if isinstance(said, dict):
        return {name: one for name, one in said.items() if name not in _SECTIONS or one is not None}
    return said


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(value) for value in node]
    return str(node) if isinstance(node, str) else node


def _explained(path: Path, document: Any, errors: ValidationError) -> Iterator[str]:
    """One line for each wrong word, in the order of the file."""
    found: dict[tuple[str | int, ...], str] = {}
    for detail in errors.errors():
        where = tuple(_steps(document, detail["loc"]))
        found.setdefault(where, _what(detail, where))
    for where in sorted(found, key=lambda where: spot(document, where)):
        name = ".".join(printable(str(step)) for step in where) or "the file"
        yield f"{place(path, document, where)}: {name}: {found[where]}"


def _what(detail: ErrorDetails, where: tuple[str | int, ...]) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(where)
    if kind == "string_pattern_mismatch":
        return "is no name; use letters, digits, '_', '-' and '.'"
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    if kind in _WORDS:
        return _WORDS[kind]
    message = detail["msg"]
    return f"{message[0].lower()}{message[1:]}; correct it"


def _unknown(where: tuple[str | int, ...]) -> str:
    shape = _SHAPE.get(_pattern(where[:-1]), Reference)
    words = list(shape.model_fields)
    close = get_close_matches(str(where[-1]), words, n=1)
    if close:
        return f"is not known; did you mean {close[0]!r}?"
    return f"is not known; there are {', '.join(words)}"


def _pattern(where: Sequence[str | int]) -> tuple[str, ...]:
    """remotes.a.region -> remotes.*.region"""
    return tuple(
        "*"
        if isinstance(step, int) or (index == 1 and where[0] in ("remotes", "jobs", "rings"))
        else step
        for index, step in enumerate(where)
    )


def _steps(document: Any, where: Sequence[str | int]) -> Iterator[str | int]:
    """The steps that are in the file: pydantic puts the names of its own types among them."""
    node = document
    for index, step in enumerate(where):
        if isinstance(node, CommentedMap):
            if step == "[key]" or (step not in node and index < len(where) - 1):
                continue
            yield step
            node = node.get(step)
        elif isinstance(node, CommentedSeq) and isinstance(step, int):
            yield step
            node = node[step]


def _config(path: Path, document: Any, model: FileModel, environment: Environment) -> Config:
    remotes = {
        name: _remote(name, remote, path, place(path, document, ("remotes", name)))
        for name, remote in model.remotes.items()
    }
    return Config(
        Remotes(remotes, environment),
        path=path,
        jobs={name: _job(job) for name, job in model.jobs.items()},
        limits=Limits(**model.limits.model_dump()),
        rings={name: _ring(name, ring, path) for name, ring in model.rings.items()},
        logs=model.logs,
        metrics=model.metrics.model_dump(exclude_none=True),
        lines=dict(_lines(document, "")),
    )


def _remote(name: str, model: RemoteModel, path: Path, place: str) -> NamedRemote:
    words = model.model_dump(exclude={*_SECRETS, "endpoints"})
    sources = tuple(end.source_address for end in model.endpoints)
    remote = Remote(
        name=name,
        endpoints=tuple(end.url for end in model.endpoints),
        source_addresses=sources if any(sources) else (),
        **words,
    )
    folder, access_key = path.absolute().parent, model.access_key
    return NamedRemote(
        remote,
        place,
        access_key=access_key if isinstance(access_key, str) else _reference(access_key, folder),
        secret_key=_reference(model.secret_key, folder) if model.secret_key else None,
        session_token=_reference(model.session_token, folder) if model.session_token else None,
        sse_c_key=_reference(model.sse_c_key, folder) if model.sse_c_key else None,
    )


def _ring(name: str, model: RingModel, path: Path) -> Ring:
    """Its paths count from the folder of the configuration."""
    folder = path.absolute().parent
    words = model.model_dump(exclude={"path", "password", "fingerprints"})
    return Ring(
        name=name,
        path=folder / model.path,
        password=_reference(model.password, folder) if model.password else None,
        fingerprints=tuple(model.fingerprints),
        **words,
    )


def _reference(model: Reference, folder: Path) -> SecretReference:
    """A file's path counts from the folder of the configuration."""
    return SecretReference(env=model.env, file=str(folder / model.file) if model.file else "")


def _job(model: JobModel) -> Job:
    filters = tuple(
        ("include", rule.include) if rule.include else ("exclude", rule.exclude or "")
        for rule in model.filters
    )
    attributes = model.attributes.model_dump(exclude_defaults=True)
    words = model.model_dump(exclude={"filters", "attributes"})  # Models in it become mappings.
    return Job(**words, filters=filters, attributes=attributes)


def _lines(node: Any, path: str) -> Iterator[tuple[str, int]]:
    """Every word's path, and the line it stands on."""
    if not isinstance(node, CommentedMap):
        return
    for key in node:
        name = f"{path}.{key}" if path else str(key)
        yield name, node.lc.key(key)[0] + 1
        yield from _lines(node[key], name)
