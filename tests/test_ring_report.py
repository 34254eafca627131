"""The page says what was found, and nothing of a stranger's name is markup."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from bucketline.cli import main
from bucketline.engines.ring.capacity import capacity
from bucketline.engines.ring.findings import counts
from bucketline.engines.ring.report import page
from ring.making import Bucket
from ring.services import serve
from ring.sites import configured, look, opened, told
from ring.world import World

HOSTILE = "<script>alert(1)</script>&"


def test_the_page_tells_every_class_and_escapes_names(tmp_path: Path) -> None:
    world = World(7, 40)
    world.buckets[HOSTILE] = Bucket()
    one = world.input_key("one")
    world.keep(one, large=True)
    world.name(HOSTILE, "x", [one])
    with serve(world) as services:
        config = configured(services, tmp_path)
        with opened(services, tmp_path / "rings") as found:
            look(found)
            assert "ring capacity" in page(found)
            capacity(found)
            text = page(found)
            told = dict(counts(found))
        output = tmp_path / "page.html"
        said = ["--config", str(config), "-o", str(output)]
        assert main(["ring", "report", "R", *said]) == 0

    assert output.read_text() == text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    rows = dict(re.findall(r'<tr><td class="s">(\w+)</td><td class="n">([\d,]+)</td>', text))
    assert {name: int(count.replace(",", "")) for name, count in rows.items()} == told
    assert text.count("<svg") == 4
    assert "covers a part alone" not in text


def test_the_page_of_a_part_says_so_first(tmp_path: Path) -> None:
    world = World(7, 5)
    world.pruned = 10_000
    with serve(world) as services, opened(services, tmp_path) as found:
        services.before["one"] = lambda: world.wrote("one", "some")
        look(found)
        text = page(found)

    assert text.index("nothing may be deleted") < text.index("Findings")


def test_every_finding_is_a_row_of_a_csv(tmp_path: Path) -> None:
    with serve(World(7, 40)) as services:
        config = configured(services, tmp_path)
        with opened(services, tmp_path / "rings") as found:
            look(found)
            findings = told(found)
        output = tmp_path / "rows.csv"
        assert main(["ring", "report", "R", "--config", str(config), "-o", str(output)]) == 0

    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert Counter((one["class"], one["input_key"], one["key"]) for one in rows) == findings
