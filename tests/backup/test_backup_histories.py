"""Whatever happens at a source: its backup says what is there and what is gone, and gives it back.

A model of a few lines is the judge, and another client's eyes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from backup.lives import Life, live

_KEYS = st.sampled_from(["a", "a/b", "a b+%25", "ü/é", "z", "q?x=1&y"])
_BODIES = st.sampled_from([b"", b"one", b"two", b"three" * 400])
_TAGS = st.sampled_from(["", "colour=red", "colour=blue&who=me"])
_MANY = ("--max-vanished", "100%", "--max-replaced", "100%")

Thing = tuple[bytes, dict[str, str]]


def parsed(tags: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in tags.split("&") if pair)


class Histories(Life):
    """`there` is the source, `kept` the backup as it must be, `gone` the keys called deleted."""

    @initialize()
    def begin(self) -> None:
        self.open()
        self.there: dict[str, Thing] = {}
        self.kept: dict[str, Thing] = {}
        self.gone: set[str] = set()

    @rule(key=_KEYS, body=_BODIES, tags=_TAGS)
    def put(self, key: str, body: bytes, tags: str) -> None:
        self.vault.put(key, body, Tagging=tags)
        self.there[key] = (body, parsed(tags))

    @rule(key=_KEYS)
    def drop(self, key: str) -> None:
        self.vault.drop(key)
        self.there.pop(key, None)

    @rule()
    def back_up(self) -> None:
        if not self.there and self.kept:
            told = self.vault.back_up(*_MANY, code=7 if set(self.kept) - self.gone else 0)
            assert told.get("done", 0) == 0
            return
        self.vault.back_up(*_MANY)
        for key, (body, tags) in self.there.items():
            if key in self.kept and self.kept[key][0] == body:
                continue  # Tags alone make no difference to a comparison.
            self.kept[key] = (body, tags)
        self.gone = set(self.kept) - set(self.there)

    @rule(with_deleted=st.booleans())
    def restore(self, *, with_deleted: bool) -> None:
        bucket = self.vault.another()
        words = ("--include-deleted",) if with_deleted else ()
        self.vault.run("restore", self.vault.there, f"s3://{bucket}/", *words)
        wanted = set(self.kept) - (set() if with_deleted else self.gone)
        held = self.vault.bodies(bucket)
        assert held == {key: self.kept[key][0] for key in wanted}
        for key in wanted:
            assert self.vault.tags(key, bucket) == self.kept[key][1]

    @invariant()
    def the_backup_is_what_it_should_be(self) -> None:
        if not self.is_open:
            return
        assert self.vault.bodies() == {key: body for key, (body, _) in self.kept.items()}
        rows = self.vault.rows()
        assert set(rows) == set(self.kept)
        assert {key for key, row in rows.items() if row.deleted} == self.gone
        for key, (_, tags) in self.kept.items():
            found = dict(self.vault.tags(key))
            ours = {found.pop("Deleted", ""), bool(found.pop("DeletedAt", ""))}
            assert ours == ({"True", True} if key in self.gone else {"", False})
            assert found == tags


@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize(
    "place",
    ["moto", pytest.param("radosgw", marks=[pytest.mark.radosgw, pytest.mark.slow])],
)
def test_any_history(
    place: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir(exist_ok=True)
    live(Histories, request.getfixturevalue(place), capsys, quick=4)
