"""What a call's words, its environment and the AWS configuration files come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.cli.invocation import Invocation
from bucketline.errors import BadCredentials
from bucketline.settings import Environment, Location, Remote, Side

AWS = """
[profile there]
region = eu-central-1
services = local
[services local]
s3 =
  endpoint_url = http://h:9000
"""


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "aws"
    path.write_text(AWS)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return path


def located(text: str, side: Side, **variables: str) -> Location:
    invocation = Invocation(Environment({"HOME": "/nowhere", **variables}))
    return invocation.location(text, side)


def remote(side: Side, **variables: str) -> Remote:
    found = located("s3://b/", side, **variables).remote
    assert found is not None
    return found


@pytest.mark.usefixtures("aws")
def test_a_profile_brings_its_region_and_endpoint() -> None:
    found = remote(Side(profile="there"))

    assert (found.endpoints, found.region) == (("http://h:9000",), "eu-central-1")


@pytest.mark.usefixtures("aws")
def test_flags_and_the_environment_go_before_a_profile() -> None:
    side = Side(profile="there", endpoints=("http://mine",))

    found = remote(side, AWS_REGION="us-west-2")

    assert (found.endpoints, found.region) == (("http://mine",), "us-west-2")


@pytest.mark.usefixtures("aws")
def test_a_profiles_endpoint_can_be_switched_off() -> None:
    found = remote(Side(profile="there"), AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true")

    assert (found.endpoints, found.region) == ((), "eu-central-1")


@pytest.mark.usefixtures("aws")
def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(BadCredentials, match="nobody"):
        remote(Side(profile="nobody"))
