"""The house rules hold everywhere, and each of them can fail."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import tidy
import tidy_texts
from tidy import Source

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ROOT / "src" / "bucketline"
Check = Callable[[Source], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    tidy.layers,
    tidy.homes,
    tidy.lazy_imports,
    tidy.broad_excepts,
    tidy.sizes,
    tidy.docstrings,
    tidy.names,
)
LONG_BODY = "def long():\n" + "    x = 1\n" * 41
WIDE = "def wide(a, b, c, d, *, e, f, g, h):\n    ...\n"
BAD = {
    "a layer reaches up": (tidy.layers, "stores/base.py", "from bucketline.flow import run"),
    "a layer reaches up inside a function": (
        tidy.layers,
        "model.py",
        "def f():\n    import bucketline.errors",
    ),
    "an engine imports another": (
        tidy.layers,
        "engines/check.py",
        "from bucketline.engines import transfer",
    ),
    "an engine reaches into another's folder": (
        tidy.layers,
        "engines/ring/keys.py",
        "from bucketline.engines.edge.device import Device",
    ),
    "a relative import": (tidy.layers, "flow/run.py", "from . import guard"),
    "a module outside the layers": (tidy.layers, "misc.py", ""),
    "libcurl outside the wire": (tidy.homes, "stores/s3/objects.py", "import pycurl"),
    "SQLite outside the ledger": (tidy.homes, "engines/transfer.py", "import apsw"),
    "a submodule of botocore": (tidy.homes, "stores/s3/sign.py", "from botocore import auth"),
    "the environment": (tidy.homes, "flow/run.py", "import os\nos.environ['HOME']"),
    "the environment by name": (tidy.homes, "flow/run.py", "from os import environ"),
    "the wall clock": (tidy.homes, "flow/run.py", "import time\ntime.time()"),
    "the wall clock by datetime": (
        tidy.homes,
        "flow/report/runs.py",
        "from datetime import datetime\ndatetime.now()",
    ),
    "a sleep": (tidy.homes, "stores/wrap.py", "import time\ntime.sleep(1)"),
    "a child process": (tidy.homes, "engines/transfer.py", "import subprocess"),
    "a print": (tidy.homes, "flow/report/runs.py", "print('hello')"),
    "stdout": (tidy.homes, "flow/report/runs.py", "import sys\nsys.stdout.write('')"),
    "a hidden import": (tidy.lazy_imports, "flow/run.py", "def f():\n    import json"),
    "a catch-all": (tidy.broad_excepts, "model.py", "try:\n    ...\nexcept Exception:\n    ..."),
    "a bare except": (tidy.broad_excepts, "model.py", "try:\n    ...\nexcept:\n    ..."),
    "a long body": (tidy.sizes, "model.py", LONG_BODY),
    "a long file": (tidy.sizes, "model.py", "x = 1\n" * 301),
    "a long line": (tidy.sizes, "model.py", f"x = '{'y' * 100}'"),
    "many parameters": (tidy.sizes, "model.py", WIDE),
    "no docstring": (tidy.docstrings, "model.py", "x = 1"),
    "a docstring without an end": (tidy.docstrings, "model.py", '"""The words"""'),
    "a word that could be anything": (tidy.names, "model.py", "class CopyManager: ..."),
    "an abbreviation": (tidy.names, "model.py", "def copy(src, target): ..."),
    "a drawer": (tidy.names, "flow/utils.py", ""),
}


def files() -> list[Path]:
    """What is committed or about to be: git's view of the clone, or everything without git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        return [path for top in ("src", "tests", "docs") for path in (ROOT / top).rglob("*.*")]
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules() -> list[str]:
    found = (path.relative_to(PRODUCT) for path in PRODUCT.rglob("*.py"))
    return sorted(path.as_posix() for path in found)


@cache
def sources() -> list[Source]:
    """Each file is read and parsed once for all rules."""
    return [Source(name, (PRODUCT / name).read_text()) for name in modules()]


def check(complaints: list[str]) -> None:
    assert complaints == [], "\n" + "\n".join(complaints)


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule: Check) -> None:
    check([line for source in sources() for line in rule(source)])


def test_tests_and_bench_keep_the_sizes() -> None:
    places = [path for top in ("tests", "bench") for path in (ROOT / top).rglob("*.py")]
    programs = [Source(f"{path.relative_to(ROOT)}", path.read_text()) for path in places]

    check([line for program in programs for line in tidy.sizes(program)])


@pytest.mark.parametrize("case", BAD)
def test_a_rule_complains_of(case: str) -> None:
    rule, path, text = BAD[case]

    assert list(rule(Source(path, text))) != []


def test_every_rule_has_a_bad_sample() -> None:
    assert {rule for rule, _, _ in BAD.values()} == set(CHECKS)


def test_rules_do_not_complain_of_what_is_right() -> None:
    right = (
        '"""The ledger: the durable memory."""\n'
        "import apsw\nimport time\n"
        "from bucketline.stores.base import Store\n"
        "def copy(source, target, *, width=8):\n    return time.monotonic()\n"
        "try:\n    os.rename('a', 'b', src_dir_fd=3)\nexcept BaseException:\n    raise\n"
    )

    check([line for rule in CHECKS for line in rule(Source("flow/ledger/schema.py", right))])


def test_every_reason_for_a_lazy_import_is_still_needed() -> None:
    exempt = tidy.LAZY
    for pattern in exempt:
        assert any(Source(name, "").lives_in((pattern,)) for name in modules()), pattern


def test_no_text_names_a_workplace_a_registry_or_a_loose_end() -> None:
    complaints: list[str] = []
    for path in files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        complaints += tidy_texts.words(f"{path.relative_to(ROOT)}", text)

    check(complaints)


@pytest.mark.parametrize(
    "text",
    [
        "see https://py" + "pi.org/simple",
        "cd /wo" + "rk/main",
        "# TO" + "DO: later",
        "AKIA" + "ABCDEFGHIJKLMNOP",
    ],
)
def test_the_word_list_complains_of(text: str) -> None:
    assert len(list(tidy_texts.words("a.md", "fine\n" + text))) == 1


def test_the_word_list_knows_an_issue_number_and_a_documented_example() -> None:
    text = "TO" + "DO(#12): when servers agree; AKIA" + "IOSFODNN7EXAMPLE"

    assert list(tidy_texts.words("a.md", text)) == []


def test_links_between_the_pages_lead_somewhere() -> None:
    pages = [path for path in files() if path.suffix == ".md"]

    check([line for page in pages for line in tidy_texts.links(page, ROOT)])


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# One\n[x](b.md) [y](#two) [z](#one) [w](https://example.com/) `[v](c.md)`")

    assert list(tidy_texts.links(page, tmp_path)) == [
        "a.md: links to b.md, which is not there",
        "a.md: links to #two, which has no such heading",
        "a.md: links to c.md, which is not there",
    ]


def test_the_map_shows_the_tree_as_it_is() -> None:
    check(list(tidy_texts.map_gaps((ROOT / "ARCHITECTURE.md").read_text(), modules())))


def test_the_map_is_read_with_its_folders() -> None:
    text = (
        "## The tree\n```\nsrc/bucketline/\n  model.py   the words\n  stores/    PLACES\n"
        "    base.py    x     local.py  y\n    s3/   z\n      wire.py (libcurl)\n"
        "  flow/\n    run.py  loop\n```\n"
    )

    assert tidy_texts.mapped(text) == {
        "model.py",
        "stores/base.py",
        "stores/local.py",
        "stores/s3/wire.py",
        "flow/run.py",
    }


def test_a_map_with_gaps_is_found() -> None:
    text = "## The tree\n```\nsrc/bucketline/\n  model.py\n  gone.py\n```\n"

    assert list(tidy_texts.map_gaps(text, ["model.py", "new.py", "cli/__init__.py"])) == [
        "ARCHITECTURE.md: gone.py is in the tree and not on disk",
        "ARCHITECTURE.md: new.py is on disk and not in the tree",
    ]
