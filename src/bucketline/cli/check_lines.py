"""What `check` prints: a line a key, and how many of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bucketline.cli.invocation import Invocation
from bucketline.errors import printable
from bucketline.flow.compare.lines import Line, Summary


def formed(lines: Iterable[Line], invocation: Invocation) -> Iterator[str]:
    for line in lines:
        if invocation.as_json:
            yield line.as_json()
        else:
            reason = f"  ({printable(line.reason)})" if line.reason else ""
            yield f"{line.symbol.value} {printable(line.key)}{reason}"


def tell(
    invocation: Invocation, found: Summary, rests_on: str, more: Mapping[str, Any] | None = None
) -> None:
    """The summary; `more` stands in the record alone."""
    counts = {name: getattr(found, name) for name in Summary.__dataclass_fields__}
    if invocation.as_json:
        record = {"event": "summary", **counts, "compare": rests_on, **(more or {})}
        invocation.printer.record(record)
        return
    said = " · ".join(f"{name.replace('_', ' at ')} {count:,}" for name, count in counts.items())
    is_same = not any(count for name, count in counts.items() if name != "equal")
    verdict = "the same" if is_same else "different"
    invocation.printer.notice(f"{verdict}: {said} · compare: {rests_on}")
