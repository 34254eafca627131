r"""Which keys take part: ordered include and exclude rules, and a list of keys.

A rule is a glob over the key behind the location's prefix:

    *       any characters but `/`           **      any characters
    ?       one character but `/`            [a-z]   one of these, [!a-z] none of these
    {a,b}   either of these                  \       the next character as it is

A glob that begins with `/` starts at the prefix, any other at the start of any component, so
`*.tmp` and `logs/*.tmp` match at every depth. A glob that ends with `/` means all below it.

The first rule that matches a key decides. A key that none matches takes part, unless the first
rule is an include: who begins by naming what is wanted wants nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bucketline.errors import UsageError, printable
from bucketline.model import Entry

_DAMAGE = re.compile(r'"cause": ?"Damaged"')  # As failure files have it.
Keep = Callable[[list[Entry]], list[Entry]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One --include or --exclude, in the order of the command line."""

    glob: str
    is_include: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Which keys take part; the same on both sides, so that what is excluded is never deleted."""

    rules: tuple[Rule, ...] = ()
    only: frozenset[str] | None = None  # Keys, or what follows the prefix of either side.
    within: Filter | None = None  # Of what takes part by this one.

    def split(self, globs: Sequence[str]) -> tuple[Filter, Filter]:
        """What of it matches one of these, and the rest."""
        first = Filter(tuple(Rule(glob, is_include=True) for glob in globs), within=self)
        return first, Filter(tuple(Rule(glob) for glob in globs), within=self)

    def keeper(self, prefix: str, other_prefix: str = "") -> Keep | None:
        """What to do to each page of a side listed at `prefix`; None = nothing, all take part."""
        own = self._own_keeper(prefix, other_prefix)
        outer = self.within.keeper(prefix, other_prefix) if self.within else None
        if own is None or outer is None:
            return own or outer
        return lambda page: own(outer(page))

    def _own_keeper(self, prefix: str, other_prefix: str) -> Keep | None:
        if not self.rules and self.only is None:
            return None
        tails = None if self.only is None else _tails(self.only, prefix, other_prefix)
        match = _compiled(self.rules).fullmatch if self.rules else None
        # By the number of the rule that matched; 0 = none did.
        verdicts = [not (self.rules and self.rules[0].is_include)]
        verdicts += [rule.is_include for rule in self.rules]
        cut = len(prefix)

        def is_kept(key: str) -> bool:
            found = match(key, cut) if match else None
            return verdicts[found.lastindex or 0 if found else 0]

        def keep(page: list[Entry]) -> list[Entry]:
            if tails is not None:
                page = [entry for entry in page if entry.key[cut:] in tails]
            return [entry for entry in page if is_kept(entry.key)] if match else page

        return keep


EVERYTHING = Filter()


def matcher(globs: Sequence[str], prefix: str) -> Callable[[str], bool]:
    """Whether a key at `prefix` matches one of these. Raises `UsageError`."""
    keep = Filter(tuple(Rule(glob, is_include=True) for glob in globs)).keeper(prefix)
    if not globs or keep is None:
        return lambda _key: False
    return lambda key: key.startswith(prefix) and bool(keep([Entry(key, 0)]))


def read_only_file(path: Path) -> frozenset[str]:
    """The keys of a file: JSON lines with a "key", as failure files have them, or a key a line."""
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            return frozenset(
                _key_of_line(line.rstrip("\r\n"), f"{path}:{number}")
                for number, line in enumerate(lines, 1)
                if line.strip()
            )
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"cannot read the keys in {path}: {reason}") from error


def tells_damage(path: Path) -> bool:
    """Whether it is of a verification that found damage: etags mean nothing there."""
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            return any(_DAMAGE.search(line) for line in lines)
    except (OSError, UnicodeDecodeError):
        return False


def _key_of_line(line: str, place: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        row = json.loads(line)
    except ValueError:
        return line  # A key may begin with a brace.
    key = row.get("key")
    if not isinstance(key, str):
        raise UsageError(f'{place}: a JSON line needs a "key"')
    return key


def _tails(keys: Iterable[str], *prefixes: str) -> frozenset[str]:
    """What follows the prefix. A key may be given whole, as either side has it, or without it."""
    tails: set[str] = set()
    for key in keys:
        whole = [prefix for prefix in prefixes if prefix and key.startswith(prefix)]
        tails.update(key[len(prefix) :] for prefix in whole)
        if not whole:
            tails.add(key)
    return frozenset(tails)


def _compiled(rules: Sequence[Rule]) -> re.Pattern[str]:
    """All rules as one pattern, which tries them in order; its group says which one matched."""
    return re.compile("|".join(f"({_Glob(rule.glob).expression()})" for rule in rules))


class _Glob:
    """Turns one glob into a regular expression without capturing groups."""

    def __init__(self, glob: str) -> None:
        self._glob = glob
        self._place = 0

    def expression(self) -> str:
        """For `fullmatch` of what follows the prefix."""
        if not self._glob.strip("/"):
            raise self._error("it is empty")
        if self._glob.startswith("/"):
            self._place, start = 1, ""
        else:
            start = "(?s:.*/)?"
        body = self._sequence(is_nested=False)
        end = "(?s:.*)" if self._glob.endswith("/") else ""
        return f"{start}{body}{end}"

    def _sequence(self, *, is_nested: bool) -> str:
        parts = []
        while self._place < len(self._glob):
            if is_nested and self._glob[self._place] in ",}":
                break
            parts.append(self._one())
        return "".join(parts)

    def _one(self) -> str:
        character = self._next()
        match character:
            case "*" if self._peek() == "*":
                while self._peek() == "*":
                    self._next()
                return "(?s:.*)"
            case "*":
                return "[^/]*"
            case "?":
                return "[^/]"
            case "[":
                return self._class()
            case "{":
                return self._alternatives()
            case "}":
                raise self._error("'}' without '{'")
            case "\\":
                character = self._next("an escaped character")
        return re.escape(character)

    def _alternatives(self) -> str:
        choices = [self._sequence(is_nested=True)]
        while self._next("'}'") == ",":
            choices.append(self._sequence(is_nested=True))
        return f"(?:{'|'.join(choices)})"

    def _class(self) -> str:
        """`[...]`; a `]` right at the start stands for itself, and `/` is never matched."""
        sign = ""
        if self._peek() in ("!", "^"):
            self._next()
            sign = "^"
        items = [self._class_item()]
        while self._peek() != "]":
            items.append(self._class_item())
        self._next()
        return f"(?!/)[{sign}{''.join(items)}]"

    def _class_item(self) -> str:
        first = self._class_character()
        if self._peek() != "-" or self._glob[self._place + 1 : self._place + 2] in ("]", ""):
            return re.escape(first)
        self._next()
        last = self._class_character()
        if last < first:
            raise self._error(f"'{first}-{last}' is the wrong way round")
        return f"{re.escape(first)}-{re.escape(last)}"

    def _class_character(self) -> str:
        character = self._next("']'")
        return self._next("an escaped character") if character == "\\" else character

    def _peek(self) -> str:
        return self._glob[self._place : self._place + 1]

    def _next(self, wanted: str = "") -> str:
        if self._place == len(self._glob):
            raise self._error(f"{wanted} is missing")
        self._place += 1
        return self._glob[self._place - 1]

    def _error(self, reason: str) -> UsageError:
        return UsageError(f"the pattern '{printable(self._glob)}' makes no sense: {reason}")
