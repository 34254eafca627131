"""A YAML file as text with places: what it says, and where each word stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.util import load_yaml_guess_indent

from bucketline.errors import ConfigError

_WIDE = 4096  # Nobody's long lines are broken.


def load(path: Path) -> Any:
    """The whole file, comments too; `ConfigError` says what is no YAML in it, and never a value."""
    yaml = YAML(typ="rt")  # YAML 1.2; knows where everything stands; refuses keys said twice.
    try:
        document = yaml.load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}"
        raise ConfigError(f"{where}: {_problem(error)}; correct this line") from None
    except (YAMLError, UnicodeDecodeError):
        raise ConfigError(f"{path}: is not YAML text in UTF-8; correct it") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check it") from None
    return CommentedMap() if document is None else document


def _problem(error: MarkedYAMLError) -> str:
    """Without values, which may be secrets: one that begins with `*` looks like an alias."""
    said = (error.problem or "is not YAML").splitlines()[0].split(" with value ")[0]
    return "a value that begins with * must be in quotes" if "alias" in said else said


def place(path: Path, document: Any, where: Sequence[str | int]) -> str:
    """file:line:column"""
    line, column = spot(document, where)
    return f"{path}:{line}:{column}"


def spot(document: Any, where: Sequence[str | int]) -> tuple[int, int]:
    """Line and column of the last step that has them."""
    node, line, column = document, 0, 0
    for step in where:
        if isinstance(node, CommentedMap) and step in node:
            line, column = node.lc.key(step)
        elif isinstance(node, CommentedSeq) and isinstance(step, int):
            line, column = node.lc.item(step)
        else:
            break
        node = node[step]
    return line + 1, column + 1


def writer(text: str = "") -> YAML:
    """One that writes as `text` is written: its quotes, its indents, its long lines."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    _, sequence, offset = load_yaml_guess_indent(text) if text else (None, None, None)
    yaml.indent(mapping=2, sequence=sequence or 4, offset=2 if offset is None else offset)
    return yaml
