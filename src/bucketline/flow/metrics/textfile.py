"""Numbers for Prometheus: a file that its node exporter reads, replaced whole."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from bucketline.errors import DiskError
from bucketline.flow.metrics.sample import RUNNING, Sample

_LAST = "bucketline_last_success_timestamp_seconds"
_STATES = (RUNNING, "complete", "failed", "waiting", "interrupted")
_HELP = {
    "bucketline_objects": "Objects of the run by what became of them.",
    "bucketline_found_objects": "Objects that are known to take part.",
    "bucketline_left_objects": "Found, and neither done nor in need of nothing.",
    "bucketline_bytes_done": "Bytes of objects that are done.",
    "bucketline_bucket_objects": "Objects that were listed in a bucket.",
    "bucketline_slow_downs": "How often a service asked for less.",
    "bucketline_run_seconds": "For how long the run goes, or went.",
    "bucketline_run_state": "1 for how the run stands, 0 for all other ways.",
    "bucketline_engine": "What the engine counts besides.",
    "bucketline_updated_timestamp_seconds": "When this was written.",
    _LAST: "When a run last ended with nothing left to do.",
}


def write(path: Path, sample: Sample, now: float) -> None:
    """Put it there, whole or not at all. When a run last succeeded is kept from run to run."""
    last = now if sample.state == "complete" else _last_success(path)
    text = "".join(f"{line}\n" for line in lines(sample, now, last))
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(0o644)  # Another user's exporter reads it.
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise DiskError(f"{path}: the metrics cannot be written ({error.strerror})") from None


def lines(sample: Sample, now: float, last: float) -> Iterator[str]:
    """The text, as Prometheus exposes it."""
    tally = sample.tally
    fates = ("skipped", "done", "failed", "waiting", "under_way")
    series: dict[str, list[tuple[dict[str, str], float]]] = {
        "bucketline_objects": [({"fate": fate}, getattr(tally, fate)) for fate in fates],
        "bucketline_found_objects": [({}, sample.found)],
        "bucketline_left_objects": [({}, sample.left)],
        "bucketline_bytes_done": [({}, tally.bytes_done)],
        "bucketline_bucket_objects": [({"bucket": b}, n) for b, n in sample.buckets.items()],
        "bucketline_slow_downs": [({}, sample.slow_downs)],
        "bucketline_run_seconds": [({}, round(sample.seconds, 3))],
        "bucketline_run_state": [({"state": s}, float(s == sample.state)) for s in _STATES],
        "bucketline_engine": [({"name": name}, n) for name, n in sample.more.items()],
        "bucketline_updated_timestamp_seconds": [({}, round(now, 3))],
        _LAST: [({}, round(last, 3))] if last else [],
    }
    for name, rows in series.items():
        if rows:
            yield f"# HELP {name} {_HELP[name]}"
            yield f"# TYPE {name} gauge"
        for own, value in rows:
            labels = {"command": sample.command, **sample.labels, **own}
            said = ",".join(f'{word}="{_escaped(text)}"' for word, text in labels.items())
            yield f"{name}{{{said}}} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _last_success(path: Path) -> float:
    """What the file said of it before; 0 = nothing."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return 0.0
    found = re.search(rf"^{_LAST}\{{.*\}} ([0-9.]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
