"""`python -m bucketline` is `bucketline`."""

from __future__ import annotations

import sys

from bucketline.cli import main

if __name__ == "__main__":
    sys.exit(main())
