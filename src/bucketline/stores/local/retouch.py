"""Other attributes for a file whose bytes stay."""

from __future__ import annotations

import os
from contextlib import suppress

from bucketline.errors import Changed
from bucketline.model import Attributes, Found
from bucketline.stores.base import Receipt
from bucketline.stores.local.attributes import (
    forget,
    is_of,
    keep,
    known_etags,
    mtime_of,
    packed,
    stamp,
)
from bucketline.stores.local.read import with_file
from bucketline.stores.local.write import Place


def retouch(place: Place, key: str, attributes: Attributes, there: Found) -> Receipt:
    """The file with these attributes, if it is still the one that is `there`.

    What is remembered of its bytes stays remembered: only its times have changed.
    """

    def asked(file: int) -> Receipt:
        before = os.fstat(file)
        if there.entry.stamp and not is_of(there.entry.stamp, before):
            raise Changed("it is another file by now", store=place.name, key=key)
        [etag] = known_etags([before], place.hashes)
        text = packed(attributes, key)
        if text and place.keeps_attributes:
            place.keeps_attributes = keep(file, text)
        elif not text:
            forget(file)
        if (time := mtime_of(attributes)) is not None:
            with suppress(OverflowError):
                os.utime(file, ns=(time, time))
        os.fsync(file)
        after = os.fstat(file)
        if etag and place.hashes is not None and after.st_size == before.st_size:
            place.hashes.remember(after, etag)
        return Receipt(etag, stamp=stamp(after))

    return with_file(place, key, asked)
