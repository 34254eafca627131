"""The passes of the ring fsck over as many keys as you like, within a limit of memory.

python -m bench.ring 30000000 512MB FOLDER
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Self

from bucketline.engines.ring import passes
from bucketline.flow.query.base import Bounds
from bucketline.flow.query.duck import Duck

_HEX = "upper(substr(md5(CAST({} AS VARCHAR)), 1, {}))"
_BEGUN = 1_700_000_000
_ORPHANS = 100  # One in so many main chunks is not referred to.
_MISSING = 200  # One in so many references has no data.


def main() -> None:
    count, memory, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    spill = folder / "spill"
    mains, references = folder / "filter.parquet", folder / "digest.parquet"
    maker = Duck(Bounds("4GB", 2, spill))
    maker.write(_mains(count), {}, mains)
    maker.write(_references(count), {}, references)
    maker.close()
    inputs = {"filter": [mains], "digest": [references]}
    sizes = ", ".join(
        f"{path.stem} {path.stat().st_size / 1e6:,.0f} MB" for path in inputs_of(inputs)
    )
    print(f"{count:,} main chunks and as many references; {sizes}")
    engine = Duck(Bounds(memory, 2, spill))
    for name, sql in (("orphans", passes.UNREFERENCED), ("missing", passes.missing(_BEGUN))):
        with Watch(spill) as watch:
            begun = time.monotonic()
            engine.write(sql, inputs, folder / f"{name}.parquet")
            seconds = time.monotonic() - begun
        found = {"found": [folder / f"{name}.parquet"]}
        rows = next(engine.rows("SELECT count(*) FROM found", found))[0]
        most = f"at most {watch.spill / 1e6:,.0f} MB spilled and {watch.memory:,} MB of memory"
        print(f"{name}: {seconds:.1f} s, {rows:,} rows, {most}")
    engine.close()


def inputs_of(inputs: dict[str, list[Path]]) -> list[Path]:
    return [path for paths in inputs.values() for path in paths]


def _mains(count: int) -> str:
    """An eighth of them striped, each whole."""
    dig = _HEX.format("range", 22)
    code = "CASE WHEN range % 8 = 0 THEN '00000000512040C070' ELSE '000000005000000030' END"
    return f"""SELECT concat({dig}, {code}) AS main, {dig} AS dig,
        CASE WHEN range % 8 = 0 THEN '51' ELSE '50' END AS service,
        CASE WHEN range % 8 = 0 THEN 7 ELSE 3 END AS class,
        CASE WHEN range % 8 = 0 THEN 8 ELSE 0 END AS data,
        CASE WHEN range % 8 = 0 THEN 4 ELSE 0 END AS coding, CAST(12 AS BIGINT) AS listed,
        0 AS is_new, CASE WHEN range % 8 = 0 THEN 12 ELSE 4 END AS copies FROM range({count})"""


def _references(count: int) -> str:
    shifted = f"CASE WHEN range % {_MISSING} = 1 THEN range + {count} ELSE range END"
    return f"""SELECT 'object' AS kind, concat('bucket-', range % 50) AS bucket,
        concat('path/', range) AS key, '' AS version, '' AS upload,
        concat({_HEX.format("range", 30)}, '59', '00000020') AS input_key,
        CAST(1 AS BIGINT) AS part, CAST(1600000000 AS BIGINT) AS modified, '' AS parent,
        {_HEX.format(f"({shifted})", 22)} AS dig, '' AS issue
        FROM range({count}) WHERE range % {_ORPHANS} <> 0"""


class Watch:
    """How much lies in the folder, and how much memory this process has, at most, meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.spill = self.memory = 0
        self._folder, self._ended = folder, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self._look()

    def _look(self) -> None:
        self.spill = max(self.spill, sum(_size(path) for path in self._folder.glob("*")))
        self.memory = max(self.memory, _resident())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _resident() -> int:
    """MB, now: this process has made the data, so the kernel's mark of its peak says nothing."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


if __name__ == "__main__":
    main()
