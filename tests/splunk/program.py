"""What stands in for the program `splunk`: rebuilds buckets, and writes down how it was called."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from splunk import decoder

SMALL = ("Hosts.data", "Sources.data", "SourceTypes.data", "Strings.data", ".rawSize")


def main(words: Sequence[str]) -> int:
    home = Path(os.environ["SPLUNK_HOME"])
    with (home / "called.jsonl").open("a") as file:
        file.write(json.dumps(list(words)) + "\n")
    if words[0] != "rebuild":
        return 2
    faults = json.loads((home / "faults.json").read_text())
    fault = next((what for name, what in faults.items() if name in words[1]), "")
    return rebuild(Path(words[1]), fault, home)


def rebuild(folder: Path, fault: str = "", home: Path | None = None) -> int:
    if fault == "hangs":
        signal.pause()
    if fault == "kills":
        os.kill(os.getppid(), signal.SIGKILL)
        return 1
    if fault == "outlives":
        assert home is not None
        outlive(home)
    if fault == "fails":
        print("rebuild fail: corrupt")
        return 1
    journal = next((folder / "rawdata").glob("journal*"))
    try:
        events = decoder.raws(journal)
    except Exception as error:
        print(f"fail: {error!r}")
        return 1
    if fault == "flips the journal":
        body = bytearray(journal.read_bytes())
        body[len(body) // 2] ^= 1
        journal.write_bytes(body)
    for name in SMALL:
        (folder / name).write_bytes(b"x")
    if fault == "no tsidx":
        return 0
    if fault == "grows":
        try:
            (folder / "1-1-1.tsidx").write_bytes(b"t" * (64 << 20))
        except OSError as error:
            print(f"fail: {error.strerror}")
            return 1
    size = max(1, int(journal.stat().st_size * 2.3))
    newest, oldest = folder.name.split("_")[1:3]
    (folder / f"{newest}-{oldest}-1.tsidx").write_bytes(b"t" * size)
    (folder / "bloomfilter").write_bytes(b"b" * 50)
    told = len(events) - (fault == "loses an event")
    (folder / "bucket_info.csv").write_text(f"{told},{sum(map(len, events))}\n")
    if fault.startswith("empties "):
        empty(folder, fault.removeprefix("empties "))
    return 0


def empty(folder: Path, names: str) -> None:
    """As a disk does that is full, whatever the exit code says."""
    for path in folder.glob(names):
        path.write_bytes(b"")


def outlive(home: Path) -> None:
    """Whoever called is killed; its work goes on once it is told to, and `gone` ends with it."""
    os.kill(os.getppid(), signal.SIGKILL)
    os.open(home / "gone", os.O_WRONLY)
    os.close(os.open(home / "go", os.O_RDONLY))


def install(home: Path) -> None:
    """As an executable file of an installation."""
    (home / "bin").mkdir(parents=True)
    (home / "faults.json").write_text("{}")
    tests = Path(__file__).resolve().parent.parent
    program = home / "bin" / "splunk"
    program.write_text(
        f"#!{sys.executable} -S\nimport sys\nsys.path[:0] = {[str(tests), *sys.path]!r}\n"
        "from splunk.program import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    program.chmod(0o755)
