"""What libcurl could not do, told with the advice that fits."""

from __future__ import annotations

import pytest

from bucketline.errors import Broken, StoreError, Unreachable, Untrusted
from bucketline.stores.s3.failures import failure

OTHER_NAME = "SSL: no alternative certificate subject name matches target host name 'h'"


@pytest.mark.parametrize(
    ("cause", "words", "advice"),
    [
        (Untrusted, "unable to get local issuer", "; name the right authority by --ca-bundle"),
        (Untrusted, OTHER_NAME, "; it is for another name; use the one that is in it"),
        (Untrusted, "it has expired", "; have it renewed, and look at this machine's clock"),
        (Unreachable, "refused", "; is the endpoint right and up?"),
        (
            Unreachable,
            "wrong version number",
            "; it speaks no TLS: is it http:// and not https://?",
        ),
        (Broken, "Received HTTP/0.9", "; it speaks no HTTP: is it https:// and not http://?"),
        (Broken, "Empty reply", ""),
    ],
)
def test_a_failure_says_where_and_what_to_do(
    cause: type[StoreError], words: str, advice: str
) -> None:
    error = failure(cause, words, "https://h:1")

    assert type(error) is cause
    assert str(error).startswith("https://h:1: ")
    assert str(error).endswith(f"({words}){advice}")
