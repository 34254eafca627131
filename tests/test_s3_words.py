"""What a refusal says: which service, which request, and what to do about it."""

from __future__ import annotations

import re

import pytest

from bucketline import errors
from s3_by_hand import Played, answer, refused, store


def test_amazon_gets_both_of_its_request_ids_back() -> None:
    with pytest.raises(errors.Denied) as caught:
        Played(
            store(endpoints=()).write("k", b""),
            refused(403, "AccessDenied", x_amz_request_id="R1", x_amz_id_2="I2"),
        )

    assert str(caught.value).endswith("(AccessDenied) (request R1 I2)")


def test_a_named_service_needs_no_address_in_its_errors() -> None:
    with pytest.raises(errors.NoBucket) as caught:
        Played(store(name="site-b").page(), refused(404, "NoSuchBucket"))

    assert str(caught.value).startswith("site-b:b/: no such bucket here")
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "page", "cause", "words"),
    [
        (200, "<!DOCTYPE html><html>Log in</html>", errors.Broken, "a web page answers, and"),
        (404, "<html>Lost</html>", errors.NoBucket, "(HTTP 404, and a web page: is this an S3"),
        (200, '{"a": 1}', errors.Broken, "the answer is no listing"),
    ],
)
def test_an_endpoint_that_is_no_s3_service_is_called_that(
    status: int, page: str, cause: type[errors.StoreError], words: str
) -> None:
    with pytest.raises(cause, match=re.escape(words)) as caught:
        Played(store().page(), answer(status, page))

    assert "http://127.0.0.1:9000" in str(caught.value)


def test_a_redirect_that_is_not_followed_says_where_the_bucket_is() -> None:
    with pytest.raises(errors.NoBucket, match=r"the bucket is at two\.example:9001; name that"):
        Played(store().page(), answer(307, location="http://two.example:9001/b/"))
