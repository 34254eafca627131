"""The program as it dies: killed right before the nth thing that it does to the world.

As edge/killed.py, and each request to S3 or to Splunk is such a thing, too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bucketline.stores.base import Request
from bucketline.stores.s3.wire import Wire
from edge.killed import REQUEST, run

_start = Wire.start


def _told(self: Wire, request: Request, ticket: Any) -> None:
    sys.audit(REQUEST, request.url)
    _start(self, request, ticket)


if __name__ == "__main__":
    Wire.start = _told  # type: ignore[method-assign]
    sys.exit(run(*sys.argv[1:]))
