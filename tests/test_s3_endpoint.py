"""Endpoints: where a bucket is, by configuration."""

from __future__ import annotations

import pytest

from bucketline.errors import ConfigError
from bucketline.settings import Remote
from bucketline.stores.s3.endpoint import Place, place_of


@pytest.mark.parametrize(
    ("remote", "bucket", "expected"),
    [
        (Remote(), "b-1", Place("https://b-1.s3.us-east-1.amazonaws.com",
            "b-1.s3.us-east-1.amazonaws.com", "", "us-east-1")),
        (Remote(region="eu-central-1"), "a.b", Place("https://s3.eu-central-1.amazonaws.com",
            "s3.eu-central-1.amazonaws.com", "/a.b", "eu-central-1")),
        (Remote(region="cn-north-1"), "b-1", Place("https://b-1.s3.cn-north-1.amazonaws.com.cn",
            "b-1.s3.cn-north-1.amazonaws.com.cn", "", "cn-north-1")),
        (Remote(region="us-gov-west-1"), "b-1", Place("https://b-1.s3.us-gov-west-1.amazonaws.com",
            "b-1.s3.us-gov-west-1.amazonaws.com", "", "us-gov-west-1")),
        (Remote(region="eu-west-1", path_style=True), "b-1",
            Place("https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "/b-1",
            "eu-west-1")),
        (Remote(), "Old_Bucket", Place("https://s3.us-east-1.amazonaws.com",
            "s3.us-east-1.amazonaws.com", "/Old_Bucket", "us-east-1")),
        (Remote(endpoints=("http://Host:80/",)), "b", Place("http://host", "host", "/b",
            "us-east-1")),
        (Remote(endpoints=("https://host:8443/front/",)), "b",
            Place("https://host:8443", "host:8443", "/front/b", "us-east-1")),
        (Remote(endpoints=("http://[::1]:9000",), path_style=False), "bkt",
            Place("http://[::1]:9000", "[::1]:9000", "/bkt", "us-east-1")),
        (Remote(endpoints=("https://s3.example",), path_style=False, region="x"), "b.c-d",
            Place("https://s3.example", "s3.example", "/b.c-d", "x")),
        (Remote(endpoints=("http://s3.example:81",), path_style=False), "b.c-d",
            Place("http://b.c-d.s3.example:81", "b.c-d.s3.example:81", "", "us-east-1")),
    ],
)  # fmt: skip
def test_a_bucket_is_where_the_configuration_says(
    remote: Remote, bucket: str, expected: Place
) -> None:
    assert place_of(remote, bucket) == expected


@pytest.mark.parametrize(
    "endpoint",
    ["host:9000", "ftp://host", "http://", "http://user:demo@host", "http://host:x", "http://h?q"],
)
def test_an_endpoint_that_makes_no_sense_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        place_of(Remote(endpoints=(endpoint,)), "b")

    assert "demo" not in str(caught.value)
