"""ARNs as locations: where the prefix begins, and what is said of one that is wrong."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.arns import AccessPoint, Kind, access_point, outposts_alias, split
from bucketline.cli.wiring import identity
from bucketline.errors import UsageError
from bucketline.locations import parse_location
from bucketline.settings import Environment, Location, Remote, Side

ACCOUNT = "123456789012"
AT = f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint"
OUTPOST = f"arn:aws:s3-outposts:us-west-2:{ACCOUNT}:outpost"
POINT = AccessPoint(Kind.ACCESS_POINT, "aws", "eu-west-1", ACCOUNT, "my-point")


def locate(text: str, *, remote: Remote | None = None, region: str = "", **said: str) -> Location:
    return parse_location(
        text,
        remotes={"name": remote or Remote("name")},
        side=Side(),
        both=Side(region=region),
        environment=Environment(said),
    )


@pytest.mark.parametrize(
    ("text", "point", "prefix"),
    [
        (f"{AT}/my-point", POINT, ""),
        (f"{AT}/my-point/", POINT, ""),
        (f"{AT}:my-point/p:q/r/", POINT, "p:q/r/"),
        (f"{AT}/my-point//x", POINT, "/x"),
        (f"{AT}/my-point/object/k", POINT, "object/k"),
        (
            f"{OUTPOST}/op-01ac5d28a6a232904/accesspoint/ap-1/a:b",
            AccessPoint(Kind.OUTPOSTS, "aws", "us-west-2", ACCOUNT, "ap-1", "op-01ac5d28a6a232904"),
            "a:b",
        ),
        (
            f"{OUTPOST}:op-01ac5d28a6a232904:accesspoint:ap-1",
            AccessPoint(Kind.OUTPOSTS, "aws", "us-west-2", ACCOUNT, "ap-1", "op-01ac5d28a6a232904"),
            "",
        ),
        (
            f"arn:aws:s3::{ACCOUNT}:accesspoint/mfzwi23gnjvgw.mrap/p/",
            AccessPoint(Kind.MULTI_REGION, "aws", "", ACCOUNT, "mfzwi23gnjvgw.mrap"),
            "p/",
        ),
        (
            f"arn:aws-cn:s3-object-lambda:cn-north-1:{ACCOUNT}:accesspoint/redact",
            AccessPoint(Kind.OBJECT_LAMBDA, "aws-cn", "cn-north-1", ACCOUNT, "redact"),
            "",
        ),
        (
            f"arn:aws-us-gov:s3:us-gov-west-1:{ACCOUNT}:accesspoint/gov",
            AccessPoint(Kind.ACCESS_POINT, "aws-us-gov", "us-gov-west-1", ACCOUNT, "gov"),
            "",
        ),
    ],
)
@pytest.mark.parametrize("start", ["s3://", "S3://", "name:"])
def test_the_prefix_begins_behind_the_access_point(
    start: str, text: str, point: AccessPoint, prefix: str
) -> None:
    found = locate(start + text)

    assert (found.bucket, found.prefix) == (str(point), prefix)
    assert access_point(found.bucket) == point
    assert found.remote
    assert found.remote.region == point.region


@pytest.mark.parametrize(
    ("arn", "says"),
    [
        ("arn:aws:s3", "too short; write arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME"),
        ("ARN:aws:s3:eu-west-1:1", "too short"),
        ("arn:aws:s3:::bucket/p", "names a bucket; say s3://bucket/prefix/"),
        (f"arn:awz:s3:eu-west-1:{ACCOUNT}:accesspoint/ap-1", "'awz' is no partition; there are"),
        (f"arn:aws:sqs:eu-west-1:{ACCOUNT}:accesspoint/ap-1", "'sqs' has no access points"),
        (f"arn:aws:s3express:eu-west-1:{ACCOUNT}:bucket/a--x-s3", "are not supported"),
        ("arn:aws:s3:eu-west-1:1234:accesspoint/ap-1", "'1234' is no account; it has 12 digits"),
        (f"arn:aws:s3:Mars:{ACCOUNT}:accesspoint/ap-1", "'Mars' is no region; it looks like"),
        (f"arn:aws:s3:cn-north-1:{ACCOUNT}:accesspoint/ap-1", "write arn:aws-cn:…"),
        (f"arn:aws-cn:s3:eu-west-1:{ACCOUNT}:accesspoint/ap-1", "not in the partition aws-cn"),
        (f"arn:aws:s3::{ACCOUNT}:accesspoint/ap-1", "the region is missing"),
        (f"{AT}/abc.mrap", "has no region; leave it empty, as in arn:aws:s3::1"),
        (AT, "end it with accesspoint/NAME"),
        (f"{AT}/", "end it with accesspoint/NAME"),
        (f"{AT}/ap-1:more", "nothing but /prefix/ may follow the access point 'ap-1'"),
        (f"{AT}/Upper", "'Upper' is no access point; a name has 3 to 50 small letters"),
        (f"{AT}/a", "'a' is no access point"),
        (f"{AT}/{'a' * 51}", "is no access point"),
        (f"arn:aws:s3:eu-west-1:{ACCOUNT}:job:x", "names no access point"),
        (f"{OUTPOST}", "write …:outpost/OUTPOST-ID/accesspoint/NAME"),
        (f"{OUTPOST}/op-1", "write …:outpost/op-1/accesspoint/NAME"),
        (f"{OUTPOST}/op-1/bucket/b", "reached through an access point of it"),
        (f"{OUTPOST}/o/accesspoint/ap-1", "'o' is no Outpost; its ID begins with op-"),
        (f"{AT}/my-point/*.txt", "--include"),
    ],
)
def test_an_arn_that_is_wrong_is_told_what_to_write(arn: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        locate(f"s3://{arn}")

    assert says in str(caught.value)
    assert str(caught.value).startswith(f"s3://{arn}: " if "*" in arn else f"{arn}: ")


@given(st.text(max_size=60))
def test_no_text_behind_an_arn_brings_the_parser_down(rest: str) -> None:
    for start in ("arn:", AT, f"{AT}/", f"{OUTPOST}/", f"{OUTPOST}/op-1:"):
        with suppress(UsageError):
            point, prefix = split(start + rest)
            assert (start + rest).endswith(prefix)
            assert split(f"{point}/{prefix}") == (point, prefix)


@pytest.mark.parametrize(
    ("region", "variables", "remote"),
    [
        ("eu-west-1", {}, Remote("name")),
        ("", {"AWS_REGION": "us-east-1"}, Remote("name")),
        ("us-east-1", {"AWS_S3_USE_ARN_REGION": "true"}, Remote("name")),
        ("", {}, Remote("name", region="us-east-1", use_arn_region=True)),
        ("", {"AWS_S3_USE_ARN_REGION": "false", "AWS_REGION": "eu-west-1"}, Remote("name")),
    ],
)
def test_the_region_is_the_arns(region: str, variables: dict[str, str], remote: Remote) -> None:
    found = locate(f"name:{AT}/my-point/", remote=remote, region=region, **variables).remote

    assert found
    assert found.region == "eu-west-1"


@pytest.mark.parametrize(
    ("region", "variables", "remote"),
    [
        ("us-east-1", {}, Remote("name")),
        ("", {}, Remote("name", region="us-east-1")),
        ("", {"AWS_S3_USE_ARN_REGION": "false", "AWS_REGION": "us-east-1"}, Remote("name")),
        ("us-east-1", {"AWS_S3_USE_ARN_REGION": "true"}, Remote("name", use_arn_region=False)),
    ],
)
def test_a_region_that_was_said_is_not_overruled_in_silence(
    region: str, variables: dict[str, str], remote: Remote
) -> None:
    with pytest.raises(UsageError, match="another region was said, us-east-1; leave that out"):
        locate(f"name:{AT}/my-point/", remote=remote, region=region, **variables)


def test_a_multi_region_access_point_contradicts_no_region() -> None:
    found = locate(f"s3://arn:aws:s3::{ACCOUNT}:accesspoint/abc.mrap/", region="us-east-1")

    assert found.remote
    assert found.remote.region == "us-east-1"


def test_one_access_point_is_one_place_however_it_was_typed() -> None:
    assert identity(locate(f"s3://{AT}:my-point/p/")) == identity(locate(f"s3://{AT}/my-point/p/"))
    assert identity(locate(f"s3://{AT}/other/p/")) != identity(locate(f"s3://{AT}/my-point/p/"))


@pytest.mark.parametrize(
    ("bucket", "behind"),
    [
        ("test-accessp-o0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3", "op-0b1d075431d83bebd"),
        ("test-accessp-e0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3", "ec2"),
        ("test-accessp-x0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3", ""),
        ("short--op-s3", ""),
        ("bucket", ""),
    ],
)
def test_an_alias_on_outposts_tells_where_it_is(bucket: str, behind: str) -> None:
    assert outposts_alias(bucket) == behind
