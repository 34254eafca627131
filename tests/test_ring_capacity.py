"""What the ring holds, counted a second time by what the double stores."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

from bucketline.engines.ring.capacity import capacity, held
from bucketline.engines.ring.keys import Main, dig
from ring.making import Stored
from ring.services import serve
from ring.sites import look, opened
from ring.world import World


def protection_of(one: Stored) -> tuple[str, Fraction]:
    """In words, and how many bytes each of its bytes takes."""
    main, copies = Main(one.main), len(one.chunks)
    if main.copies_class == 7:
        return str(main.protection), Fraction(copies, main.protection.data)
    return f"{main.copies_class + 1} copies", Fraction(copies)


def counted(world: World) -> tuple[Counter[str], Counter[str]]:
    """Objects, and what they take, by protection."""
    objects, stored = Counter[str](), Counter[str]()
    by_key = {one.input_key: one for one in world.stored.values() if one.main[30:32] != "08"}
    parts = [p for b in world.buckets.values() for v in b.values() for p in of(v)]
    for key in {part["key"] for part in parts}:
        one = by_key.get(key)
        if one is None:
            objects["nowhere"] += 1
            continue
        if one.children:
            there = [by_key[kid] for kid in one.children if kid in by_key]
            first = min(one.children, key=dig)
            if first not in by_key:
                objects["nowhere"] += 1
                continue
            one = next(kid for kid in there if kid.input_key == first)
        name, factor = protection_of(one)
        objects[name] += 1
        stored[name] += int(10 * factor * 1_000_000)
    return objects, stored


def of(value: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    return value.get("location") or value.get("partLocations") or []


def test_capacity_is_what_the_double_stores(tmp_path: Path) -> None:
    with serve(World(3, 300)) as services, opened(services, tmp_path) as found:
        look(found)
        capacity(found)
        told = {row.by: row for column, row in held(found) if column == "protection"}
        sql = """SELECT protection, CAST(sum(objects) AS BIGINT) FROM capacity
            WHERE what IN ('object', 'upload') GROUP BY protection"""
        live = dict(found.engine.rows(sql, found.files("capacity")))
        objects, stored = counted(services.world)

        assert live == objects
        assert {"8+4", "4+2", "4 copies", "nowhere"} <= live.keys()
        for name, amount in stored.items():
            assert abs(told[name].stored - amount / 1_000_000) <= 5
        assert told["nowhere"].stored == 0
        buckets = {row.by for column, row in held(found) if column == "bucket"}
        assert buckets == {"one", "zwei-ü", ""}
