"""The certificate that is shown: another one when there is another one, without a new start."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from bucketline.errors import BucketlineError, DiskError
from bucketline.service.certificates import Files


class Renewal:
    """Of one process. `find` tells where the files are, and makes those that are ours."""

    def __init__(self, find: Callable[[], Files], say: Callable[[str], None]) -> None:
        self._find, self._say = find, say
        self.files = find()
        self._shown = _usable(self.files)
        self._told = ""

    def look(self, context: ssl.SSLContext) -> None:
        """Who connects from now on is shown what is there; what cannot be used changes nothing."""
        try:
            files = self._find()
            there = _usable(files)
            if there != self._shown:
                context.load_cert_chain(files.certificate, files.key)
                self._shown = there
                self._say(f"{files.certificate}: is another one, and is shown from now on")
            self._told = ""
        except (BucketlineError, OSError) as error:
            if str(error) != self._told:  # Each hour anew would be no news.
                self._told = str(error)
                self._say(f"{error}; the certificate of before is shown")


def _usable(files: Files) -> tuple[bytes, bytes]:
    """What they hold. Raises `DiskError` for what is no certificate, or not that of the key."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key)
        return files.certificate.read_bytes(), files.key.read_bytes()
    except OSError as error:
        raise DiskError(
            f"{files.certificate}: cannot be used ({error.strerror or error})"
        ) from None
