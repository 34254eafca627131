"""Keys that leave a configuration: into files that only their owner reads, or an AWS profile."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bucketline.config.scripts.translated import KEYS, Value
from bucketline.durable import replace_file
from bucketline.errors import ConfigError, Refused
from bucketline.settings import Environment, Secret

Keys = Mapping[str, tuple[Secret, Secret]]  # remote -> access key and secret key
Secrets = Mapping[str, tuple[Secret, ...]]
_OURS_ALONE = 0o600


class Safe(Protocol):
    """A place for keys."""

    def words(self, remote: str) -> dict[str, Value]:
        """What the remote says instead of its keys."""

    def refusals(self) -> list[str]:
        """What is there already and would be replaced by something else."""

    def write(self) -> list[str]:
        """Put all of them there; where they are now, for people."""


@dataclass
class SecretFiles:
    """A file for each key, beside the configuration."""

    config: Path
    keys: Secrets
    names: tuple[str, ...] = KEYS

    def words(self, remote: str) -> dict[str, Value]:
        if remote not in self.keys:
            return {}
        return {word: Value({"file": f"secrets/{_name(remote, word)}"}) for word in self.names}

    def refusals(self) -> list[str]:
        return [f"{path}: holds another key" for path, key in self._files() if _is_other(path, key)]

    def write(self) -> list[str]:
        for path, key in self._files():
            replace_file(path, f"{key.reveal}\n")
        return [str(path) for path, _ in self._files()]

    def _files(self) -> list[tuple[Path, Secret]]:
        folder = self.config.absolute().parent / "secrets"
        return [
            (folder / _name(remote, word), key)
            for remote, both in self.keys.items()
            for word, key in zip(self.names, both, strict=True)
        ]


@dataclass
class Safes:
    """Several: each has secrets of its own."""

    all: Sequence[Safe]

    def words(self, remote: str) -> dict[str, Value]:
        return {word: value for one in self.all for word, value in one.words(remote).items()}

    def refusals(self) -> list[str]:
        return [refusal for one in self.all for refusal in one.refusals()]

    def write(self) -> list[str]:
        return [place for one in self.all for place in one.write()]


@dataclass
class AwsProfiles:
    """Profiles in the AWS tools' file of credentials; all else in it stays as it is."""

    profile: str
    keys: Keys
    environment: Environment
    _text: str | None = field(default=None, init=False)

    def words(self, remote: str) -> dict[str, Value]:
        return {"profile": Value(self._profile_of(remote))} if remote in self.keys else {}

    def refusals(self) -> list[str]:
        taken = set(_SECTION.findall(self._read())) | self._configured()
        return [
            f"{self.path}: has a profile {name} already"
            for name in dict.fromkeys(map(self._profile_of, self.keys))
            if name in taken
        ]

    def write(self) -> list[str]:
        text = self._read()
        for remote, (access_key, secret_key) in self.keys.items():
            said = {
                "aws_access_key_id": access_key.reveal,
                "aws_secret_access_key": secret_key.reveal,
            }
            text = with_profile(text, self._profile_of(remote), said)
        replace_file(self.path, text)
        names = dict.fromkeys(map(self._profile_of, self.keys))
        return [f"{self.path}, profile {name}" for name in names]

    @property
    def path(self) -> Path:
        named = self.environment.first("AWS_SHARED_CREDENTIALS_FILE")
        path = Path(named) if named else Path(self.environment.home, ".aws", "credentials")
        return path.resolve()  # A link stays a link.

    def _profile_of(self, remote: str) -> str:
        """One for all if they are all the same."""
        pairs = {(one.reveal, other.reveal) for one, other in self.keys.values()}
        side = remote.rpartition("-")[2]
        return self.profile if len(pairs) == 1 else f"{self.profile}-{side}"

    def _configured(self) -> set[str]:
        """A profile of the other file would say more than we know: a region, a role, SSO."""
        named = self.environment.first("AWS_CONFIG_FILE")
        path = Path(named) if named else Path(self.environment.home, ".aws", "config")
        names = _SECTION.findall(_text_of(path))
        return {name.removeprefix("profile ").strip() for name in names}

    def _read(self) -> str:
        if self._text is None:
            self._text = _text_of(self.path)
        return self._text


_SECTION = re.compile(r"^\[\s*([^\]]*?)\s*\]", re.MULTILINE)


def with_profile(text: str, profile: str, said: Mapping[str, str]) -> str:
    """The file's text with this profile; every other line as it was, comments too."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    fresh = [f"{name} = {value}\n" for name, value in said.items()]
    heads = [number for number, line in enumerate(lines) if _SECTION.match(line)]
    for number, start in enumerate(heads):
        head = _SECTION.match(lines[start])
        if head is None or head[1] != profile:
            continue
        end = heads[number + 1] if number + 1 < len(heads) else len(lines)
        kept = [line for line in lines[start + 1 : end] if not _OLD_KEY.match(line)]
        return "".join([*lines[: start + 1], *fresh, *kept, *lines[end:]])
    gap = ["\n"] if lines else []
    return "".join([*lines, *gap, f"[{profile}]\n", *fresh])


_OLD_KEY = re.compile(
    r"\s*aws_(access_key_id|secret_access_key|session_token)\s*[=:]", re.IGNORECASE
)


def refuse(safe: Safe, *, replaces: bool) -> None:
    """Raise `Refused` for what would be lost."""
    if not replaces and (found := safe.refusals()):
        raise Refused("; ".join(found) + "; choose another name, or say --replace")


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text in UTF-8"
        raise ConfigError(f"{path}: cannot be read ({why}); check it") from None


def _is_other(path: Path, key: Secret) -> bool:
    return path.exists() and _text_of(path).strip() != key.reveal


def _name(remote: str, word: str) -> str:
    return f"{remote}.{word.replace('_', '-')}"
