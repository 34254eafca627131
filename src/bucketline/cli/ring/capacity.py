"""`bucketline ring capacity`: who holds how much, how old and how protected."""

from __future__ import annotations

from typing import Any

from bucketline.cli.invocation import Invocation
from bucketline.cli.ring.phases import options, site_of
from bucketline.engines.ring.capacity import capacity as perform
from bucketline.engines.ring.capacity import held
from bucketline.engines.ring.site import alone
from bucketline.errors import printable
from bucketline.sizes import show_size


@options
def capacity(invocation: Invocation, /, name: str, **said: Any) -> int:
    """By kind, bucket, protection and age: objects, their bytes, and what these take on disks."""
    with site_of(invocation, name, said, is_first=False) as found:
        with alone(found.folder):
            perform(found)
        manifest = found.dataset("capacity").manifest()
        rows = list(held(found))
    if manifest.why_partial:
        invocation.printer.notice(f"partial: {manifest.why_partial}")
    for column, one in rows:
        if invocation.as_json:
            row = {"name": one.by, "objects": one.objects, "bytes": one.bytes}
            invocation.printer.record({"by": column, **row, "stored": one.stored})
        else:
            label = printable(one.by or "(nobody)")
            sizes = f"{show_size(one.bytes):>12} {show_size(one.stored):>12}"
            invocation.printer.result(f"{column:10} {label:24} {one.objects:>12,} {sizes}")
    return 0
