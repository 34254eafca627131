"""An old file in our words: remotes, a job, keys to put away, and what to say of each word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bucketline.config.scripts.old import OldFile, Where
from bucketline.config.scripts.relays import relay_of
from bucketline.config.scripts.sides import OldSide, is_azure, side_of
from bucketline.config.scripts.words import (
    Meaning,
    Needless,
    OfRing,
    Role,
    SideName,
    Staging,
)
from bucketline.errors import printable
from bucketline.settings import Secret

KEYS = ("access_key", "secret_key")
_LOG_FOLDER: Where = ("log", "local_directory")
_JOB_WORDS = {"source": "source", "target": "target", "log": "logs"}


@dataclass(frozen=True, slots=True)
class Word:
    """What became of one word of the old file."""

    name: str
    line: int
    fate: str  # taken, needless, unknown, left
    said: str

    def __str__(self) -> str:
        return f"{self.line}: {self.name}: {self.said}"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of ours, and where in the old file it comes from."""

    value: object
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Translated:
    """What is to be written, and told."""

    old: str  # The old file's path.
    job: str
    remotes: Mapping[str, Mapping[str, Value]]  # Without keys.
    job_words: Mapping[str, Value]
    keys: Mapping[str, tuple[Secret, Secret]]  # remote -> access key and secret key
    words: tuple[Word, ...]
    secret_lines: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    ring_words: Mapping[str, Value] = field(default_factory=dict)  # Of a ring instead of a job.
    passwords: Mapping[str, tuple[Secret, ...]] = field(default_factory=dict)  # By the ring's name.
    next_command: str = ""


@dataclass
class _Translation:
    """One file under way."""

    old: OldFile
    job: str
    verify_tls: bool
    sides: dict[SideName, OldSide] = field(default_factory=dict)
    left: dict[SideName, str] = field(default_factory=dict)  # Why a side is not taken over.
    log_folder: str = ""  # Where logs go if not into a bucket.
    relay: dict[str, object] = field(default_factory=dict)

    def look(self) -> None:
        """Every side; raises every complaint at once."""
        for name in ("source", "target"):
            self.sides[name] = side_of(self.old, name)
        self._look_at_log()
        self.relay = relay_of(self.old)
        self.old.raise_complaints()
        log = self.sides.get("log")
        if log is not None and self.sides["source"].holds(log):
            del self.sides["log"]
            self.left["log"] = "left out: logs inside the source would be copied with it"

    def _look_at_log(self) -> None:
        if not self.old.has("log"):
            return
        if is_azure(self.old, "log"):
            self.left["log"] = "left out: an Azure container is no S3; say logs: LOCATION yourself"
        elif not self.old.text("log", "bucket"):
            self.left["log"] = "left out: it names no bucket"
            if isinstance(folder := self.old.value(_LOG_FOLDER), str) and folder:
                self.log_folder = str(self.old.path.absolute().parent / folder)
        else:
            self.sides["log"] = side_of(self.old, "log")

    def remote(self, side: OldSide) -> dict[str, Value]:
        """Its words, in the order in which they are written."""
        name = side.name
        words: dict[str, Value] = {}
        if side.endpoints:
            urls = side.endpoints
            value = urls[0] if len(urls) == 1 else list(urls)
            words["endpoints"] = Value(value, self._origin(name, "endpoints"))
        if side.is_accelerated:
            words["path_style"] = Value(value=False, origin="transfer acceleration")
        if side.region:
            words["region"] = Value(side.region, self._origin(name, "region"))
        if side.is_unchecked and not self.verify_tls:
            words["verify_tls"] = Value(value=False, origin="as the scripts did: unsafe")
        return words

    def job_words(self) -> dict[str, Value]:
        words = {
            _JOB_WORDS[name]: Value(
                f"{self._remote_name(name)}:{side.path}", self._origin(name, "bucket")
            )
            for name, side in self.sides.items()
        }
        if self.log_folder:
            origin = f"log.local_directory, line {self.old.line(_LOG_FOLDER)}"
            words["logs"] = Value(self.log_folder, origin)
        if self.relay:
            words["relay"] = Value(self.relay)
        return words

    def keys(self) -> dict[str, tuple[Secret, Secret]]:
        return {
            self._remote_name(name): (side.access_key, side.secret_key)
            for name, side in self.sides.items()
            if side.access_key.reveal
        }

    def word(self, where: Where, meaning: Meaning | None) -> Word:
        name = ".".join(printable(str(step)) for step in where)
        fate, said = self._fate(meaning)
        if where == _LOG_FOLDER and self.log_folder:
            fate, said = "taken", f"taken over as jobs.{self.job}.logs"
        return Word(name, self.old.line(where), fate, said)

    def _fate(self, meaning: Meaning | None) -> tuple[str, str]:
        match meaning:
            case None | OfRing():
                return "unknown", "left out: the scripts knew no such word"
            case Needless(why):
                return "needless", f"has no meaning any more: {why}"
            case Staging(what) if what in self.relay:
                return "taken", f"taken over as jobs.{self.job}.relay.{what}"
            case Staging():
                return "left", "left out: no volumes are there; name them with --volume"
            case Role(side, _) if side in self.left:
                return "left", self.left[side]
            case Role(side, what):
                return "taken", f"taken over as {self._ours(side, what)}"

    def _ours(self, side: SideName, what: str) -> str:
        remote = self._remote_name(side)
        found = self.sides[side]
        match what:
            case "bucket" | "prefix":
                return f"jobs.{self.job}.{_JOB_WORDS[side]}"
            case "service":
                return f"remotes.{remote}: a service that speaks S3"
            case "endpoints" if not found.endpoints:
                return f"remotes.{remote} without endpoints: Amazon's own"
            case "access_key" | "secret_key" if not found.access_key.reveal:
                return f"remotes.{remote} without keys: those of the AWS variables and files"
        return f"remotes.{remote}.{what}"

    def notes(self) -> list[str]:
        unchecked = [self._remote_name(n) for n, side in self.sides.items() if side.is_unchecked]
        if not unchecked:
            return []
        names = ", ".join(unchecked)
        if not self.verify_tls:
            return [f"{names}: whoever answers there is trusted, as by the scripts; that is unsafe"]
        advice = "for a device give its own as ca_bundle: FILE, or say verify_tls: false: unsafe"
        return [f"{names}: the scripts trusted any certificate, this does not; {advice}"]

    def secret_lines(self) -> list[int]:
        """Where the old file still holds keys."""
        return [
            self.old.line(where)
            for where, meaning in self.old.said()
            if isinstance(meaning, Role) and meaning.what in KEYS and self.old.value(where)
        ]

    def _remote_name(self, side: SideName) -> str:
        return f"{self.job}-{side}"

    def _origin(self, side: SideName, what: str) -> str:
        where = self.old.where(side, what)
        return f"{'.'.join(map(str, where))}, line {self.old.line(where)}"


def translate(old: OldFile, job: str, *, verify_tls: bool = True) -> Translated:
    """All of it, or `ConfigError` with every error."""
    under_way = _Translation(old, job, verify_tls)
    under_way.look()
    return Translated(
        old=printable(str(old.path)),  # It becomes part of comments.
        job=job,
        remotes={f"{job}-{name}": under_way.remote(side) for name, side in under_way.sides.items()},
        job_words=under_way.job_words(),
        keys=under_way.keys(),
        words=tuple(under_way.word(*said) for said in old.said()),
        secret_lines=tuple(under_way.secret_lines()),
        notes=tuple(under_way.notes()),
        next_command=f"sync --name {job}",
    )
