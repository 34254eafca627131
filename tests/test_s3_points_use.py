"""What is done through an access point, and what is not."""

from __future__ import annotations

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import NoBucket, Unsupported
from bucketline.settings import Remote
from bucketline.stores.s3 import S3Store
from s3_by_hand import KEYS, START, Played, answer

ACCOUNT = "123456789012"
POINT = f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/my-point"
OUTPOSTS = f"arn:aws:s3-outposts:us-west-2:{ACCOUNT}:outpost/op-01ac5d28a6a232904/accesspoint/ap-1"
EVERYWHERE = f"arn:aws:s3::{ACCOUNT}:accesspoint/mfzwi23gnjvgw.mrap"
LAMBDA = f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/redact"


def at_point(arn: str = POINT) -> S3Store:
    return S3Store(Remote(keys=KEYS), arn, clock=FakeClock(START))


@pytest.mark.parametrize("arn", [POINT, OUTPOSTS, EVERYWHERE, LAMBDA])
def test_what_is_about_the_bucket_is_not_asked_of_an_access_point(arn: str) -> None:
    store = at_point(arn)
    for flow in (store.create_bucket(), store.get_versioning(), store.get_lock()):
        with pytest.raises(Unsupported, match="name the bucket itself"):
            next(flow)


def test_an_access_point_is_where_its_arn_says_whatever_a_server_answers() -> None:
    elsewhere = answer(
        307, location="http://my-point-123456789012.evil.example/", x_amz_bucket_region="us-west-2"
    )

    with pytest.raises(NoBucket, match=r"the bucket is at my-point-123456789012\.evil\.example"):
        Played(at_point().head_bucket(), elsewhere)
