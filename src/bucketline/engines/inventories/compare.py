"""Two inventories compared, whatever they are: tables joined by SQL, doubts looked at again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bucketline.engines.inventories import passes
from bucketline.engines.inventories.told import COLUMNS, UNKNOWN_SIZE, Epoch, Told, of_found, write
from bucketline.errors import NotFound, Remedy, StoreError
from bucketline.flow.compare.lines import Line, Summary, Symbol, summed
from bucketline.flow.look.raw_pages import Caller
from bucketline.flow.query.base import Engine
from bucketline.flow.query.rows import Rows, count_rows
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store, Together

_AT_ONCE, _WIDTH = 500, 32
_SYMBOLS = {
    passes.ONLY_A: Symbol.ONLY_SOURCE,
    passes.ONLY_B: Symbol.ONLY_TARGET,
    passes.TOO_NEW: Symbol.UNKNOWN,
    passes.NOT_COMPARABLE: Symbol.UNKNOWN,
    passes.DUPLICATE: Symbol.UNKNOWN,
}
Pages = Callable[[], Iterator[list[Told]]]


class Live(NamedTuple):
    """Where the objects themselves are, of which an inventory tells."""

    store: Store
    prefix: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """One side: `pages` in any order; the first `cut` characters of its keys do not count."""

    pages: Pages
    epoch: Epoch
    cut: int = 0
    live: Live | None = None


class Terms(NamedTuple):
    """How to judge."""

    grace_seconds: int = 0
    also: tuple[str, ...] = ()
    looks_again: bool = True


_PLAIN = Terms()


@dataclass
class Comparison:
    """One comparison; its tables are in `folder`."""

    a: Inventory
    b: Inventory
    engine: Engine
    drive: Caller
    folder: Path
    terms: Terms = _PLAIN
    equal: int = 0
    classes: dict[str, tuple[int, int]] = field(default_factory=dict)  # How many, their bytes.

    @property
    def findings(self) -> Path:
        return self.folder / "findings.parquet"

    def perform(self) -> None:
        """Everything but the lines."""
        tables = {"a": self._table("a", self.a), "b": self._table("b", self.b)}
        twins = self._twins(tables)
        found = self._differences(tables, "first", self.a.epoch, self.b.epoch)
        self.equal = self._count(passes.KEYS, side=tables["a"])
        self.equal -= self._count(passes.NOT_EQUAL, found=found)
        settled = self._made("settled", passes.SETTLED, found=found)
        if self.terms.looks_again and (self.a.live or self.b.live):
            found = self._again(tables, found)
        else:
            found = self._made("suspected", passes.SUSPECTED, found=found)
        self._made("findings", passes.ALL_FOUND, settled=settled, found=found, twins=twins)
        rows = self.engine.rows(passes.CLASSES, {"found": [self.findings]})
        self.classes = {kind: (count, size) for kind, count, size in rows}

    def lines(self) -> Iterator[Line]:
        """What differs, by key."""
        for row in self.engine.rows(passes.IN_ORDER, {"found": [self.findings]}):
            kind, key, a_size, b_size, *_, detail = row
            reason = f"{kind}: {detail}" if detail else kind
            sizes = [None if size == UNKNOWN_SIZE else size for size in (a_size, b_size)]
            yield Line(_SYMBOLS.get(kind, Symbol.DIFFERS), key, reason, *sizes)

    @property
    def summary(self) -> Summary:
        """As numbers by sign."""
        found: Counter[Symbol] = Counter({Symbol.EQUAL: self.equal})
        for kind, (count, _) in self.classes.items():
            found[_SYMBOLS.get(kind, Symbol.DIFFERS)] += count
        return summed(found)

    @property
    def said(self) -> str:
        """What it rests on."""
        asked = [n for n, side in (("source", self.a), ("target", self.b)) if side.live]
        again = f"; what differs was looked at again at the {' and the '.join(asked)}"
        is_again = asked and self.terms.looks_again
        return f"size, checksums, MD5s, etags, as they are told{again if is_again else ''}"

    def _table(self, name: str, side: Inventory) -> Path:
        path = self.folder / f"{name}.parquet"
        rows = Rows(path, COLUMNS)
        for page in side.pages():
            write(rows, page, side.cut)
        rows.close()
        return path

    def _twins(self, tables: dict[str, Path]) -> Path:
        """What a side tells of twice; from here on its tables have each key once."""
        twins: dict[str, Path] = {}
        for name, table in tables.items():
            path = twins[f"twins_{name}"] = self._made(f"twins_{name}", passes.TWINS, side=table)
            if count_rows(path):
                once = self._made(f"{name}_once", passes.WITHOUT_TWINS, side=table, twins=path)
                tables[name] = once
        return self._made("twins", passes.TWINS_FOUND, **twins)

    def _differences(self, tables: dict[str, Path], name: str, a: Epoch, b: Epoch) -> Path:
        sql = passes.differences(a, b, self.terms.grace_seconds, self.terms.also)
        return self._made(f"found_{name}", sql, **tables)

    def _again(self, tables: dict[str, Path], found: Path) -> Path:
        """The objects themselves decide, where they can be asked."""
        suspects = self._made("suspects", passes.SUSPECTS, found=found)
        fresh: dict[str, Path] = {}
        epochs = []
        for name, side in (("a", self.a), ("b", self.b)):
            if side.live is None:
                path = self._made(
                    f"{name}_again", passes.OF_SUSPECTS, side=tables[name], suspects=suspects
                )
            else:
                path = self._asked(name, side.live, suspects)
            fresh[name] = path
            epochs.append(side.epoch._replace(is_live=side.live is not None))
        again = self._differences(fresh, "again", *epochs)
        # Of those that were suspected, the pairs that are fine after all.
        self.equal += self._count(passes.KEYS_OF_BOTH, **fresh)
        self.equal -= self._count(passes.NOT_EQUAL_OF_BOTH, found=again)
        return again

    def _asked(self, name: str, live: Live, suspects: Path) -> Path:
        path = self.folder / f"{name}_asked.parquet"
        rows = Rows(path, COLUMNS)
        batch: list[str] = []
        for (key,) in self.engine.rows("SELECT key FROM suspects", {"suspects": [suspects]}):
            batch.append(key)
            if len(batch) == _AT_ONCE:
                self._ask(live, batch, rows)
                batch = []
        self._ask(live, batch, rows)
        rows.close()
        return path

    def _ask(self, live: Live, keys: list[str], rows: Rows) -> None:
        def together() -> Flow[list[Told | None]]:
            flows = [_look(live.store, live.prefix + key) for key in keys]
            found: list[Told | None] = yield Together(flows, _WIDTH)
            return found

        told = self.drive.call(together())
        write(rows, [one for one in told if one is not None], len(live.prefix))

    def _made(self, name: str, sql: str, **inputs: Path) -> Path:
        path = self.folder / f"{name}.parquet"
        self.engine.write(sql, {table: [file] for table, file in inputs.items()}, path)
        return path

    def _count(self, sql: str, **inputs: Path) -> int:
        rows: Iterator[tuple[Any, ...]] = self.engine.rows(
            sql, {table: [file] for table, file in inputs.items()}
        )
        return int(next(rows)[0])


def _look(store: Store, key: str) -> Flow[Told | None]:
    """None = it is not there; what refuses to be looked at cannot be compared, and says why."""
    try:
        return of_found((yield from store.stat(key)))
    except NotFound:
        return None
    except StoreError as error:
        if error.remedy is not Remedy.GIVE_UP:
            raise
        return Told(Entry(key, UNKNOWN_SIZE), issue=str(error).partition("\n")[0])
