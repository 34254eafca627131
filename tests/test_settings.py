"""What the environment and a location's text mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bucketline.errors import UsageError
from bucketline.locations import parse_location
from bucketline.settings import Environment, Keys, Location, Remote, Secret, Side

KEYS: Any = {"AWS_ACCESS_KEY_ID": "demo-access", "AWS_SECRET_ACCESS_KEY": "demo-secret-not-real"}
MINIO = Remote(name="minio", endpoints=("http://m:9000",), keys=Keys("mine", Secret("own")))


def locate(
    text: str, *, side: Side | None = None, both: Side | None = None, **variables: str
) -> Location:
    return parse_location(
        text,
        remotes={"minio": MINIO},
        side=side or Side(),
        both=both or Side(),
        environment=Environment(variables),
    )


def remote(text: str, *, side: Side | None = None, both: Side | None = None, **said: str) -> Remote:
    found = locate(text, side=side, both=both, **said).remote
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://b", "b", ""),
        ("s3://b/", "b", ""),
        ("s3://b/p", "b", "p"),
        ("s3://b//x", "b", "/x"),
        ("s3://b/a/../%20+/", "b", "a/../%20+/"),
        ("s3://b/ä [1]", "b", "ä [1]"),
        ("S3://b/p", "b", "p"),
        ("minio:b/p/", "b", "p/"),
        ("minio:b//", "b", "/"),
    ],
)
def test_a_key_is_taken_as_it_is_typed(text: str, bucket: str, prefix: str) -> None:
    found = locate(text)

    assert (found.bucket, found.prefix, found.folder) == (bucket, prefix, "")


@pytest.mark.parametrize(
    ("text", "folder"),
    [("/abs/./x/", "/abs/x"), ("./minio:b", "HERE/minio:b"), ("p/q:r", "HERE/p/q:r")],
)
def test_everything_else_is_a_folder(
    text: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    found = locate(text)

    assert (found.remote, found.folder) == (None, folder.replace("HERE", str(tmp_path)))


def test_two_dots_behind_a_link_lead_where_the_disk_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "deep")
    monkeypatch.chdir(tmp_path)

    assert locate("link/../x").folder == str(tmp_path / "far" / "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("s3://", "say s3://bucket/prefix/"),
        ("s3:///p", "names no bucket"),
        ("minio:", "say minio:bucket/prefix/"),
        ("s3://b/*.txt", "--include"),
        ("s3://b/a?", "--include"),
        ("s3://b c/", "cannot be the name of a bucket"),
        ("mino:b/", "did you mean minio:?"),
        ("other:b/", "there is no remote 'other'"),
        ("s3:b/p", "did you mean s3://b/p?"),
        ("https://b/p", "--endpoint-url"),
        ("a\udcffb", "UTF-8"),
        ("a\0b", "zero byte"),
    ],
)
def test_a_location_that_makes_no_sense_says_what_would(text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        locate(text)

    assert says in str(error.value)


def test_the_environment_reaches_an_ad_hoc_location() -> None:
    found = remote(
        "s3://b/",
        AWS_ENDPOINT_URL_S3="http://h:1/",
        AWS_ENDPOINT_URL="http://other",
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_CA_BUNDLE="/ca.pem",
        AWS_SESSION_TOKEN="token",
        http_proxy="http://p:3128",
        HTTPS_PROXY="http://other-proxy",
        NO_PROXY="localhost",
        **KEYS,
    )

    assert (found.endpoints, found.region, found.ca_bundle) == (
        ("http://h:1",),
        "eu-west-1",
        "/ca.pem",
    )
    assert (found.proxy, found.no_proxy) == ("http://p:3128", "localhost")
    assert found.keys == Keys("demo-access", Secret("demo-secret-not-real"), Secret("token"))


def test_the_proxy_follows_the_scheme_of_the_endpoint() -> None:
    assert remote("s3://b/", HTTPS_PROXY="http://p", http_proxy="http://q").proxy == "http://p"
    assert remote("s3://b/", ALL_PROXY="http://p").proxy == "http://p"


def test_endpoints_of_the_environment_can_be_switched_off() -> None:
    switch: Any = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}

    assert remote("s3://b/", AWS_ENDPOINT_URL="http://h", **switch).endpoints == ()


def test_a_flag_goes_before_the_environment_and_one_sides_before_both() -> None:
    both = Side(endpoints=("http://both",), region="r2", profile="p2")
    side = Side(endpoints=("http://one", "http://two"), region="r1")

    found = remote("s3://b/", side=side, both=both, AWS_ENDPOINT_URL="http://env", **KEYS)

    assert (found.endpoints, found.region) == (("http://one", "http://two"), "r1")
    assert (found.profile, found.keys) == ("p2", None)


def test_a_profile_that_was_asked_for_goes_before_keys_of_the_environment() -> None:
    assert remote("s3://b/", side=Side(profile="p"), **KEYS).keys is None
    assert remote("s3://b/", AWS_PROFILE="p", **KEYS).keys is not None


def test_a_named_remote_keeps_its_endpoint_whatever_surrounds_it() -> None:
    both = Side(endpoints=("http://both",), profile="p")

    found = remote("minio:b/", both=both, AWS_ENDPOINT_URL="http://env", **KEYS)

    assert (found.endpoints, found.keys) == (("http://m:9000",), MINIO.keys)


def test_what_is_said_of_one_side_goes_before_its_named_remote() -> None:
    found = remote("minio:b/", side=Side(endpoints=("http://mine",), profile="p"))

    assert (found.endpoints, found.profile, found.keys) == (("http://mine",), "p", None)


@pytest.mark.parametrize(
    "endpoint", ["ftp://h", "h:9000", "http://", "http://h:x", "http://h/?q", "http://u:pw@h"]
)
def test_what_is_no_endpoint_is_refused_without_its_password(endpoint: str) -> None:
    with pytest.raises(UsageError) as error:
        remote("s3://b/", side=Side(endpoints=(endpoint,)))

    assert "pw" not in str(error.value)


def test_files_are_where_the_variables_say() -> None:
    plain = Environment({"HOME": "/h"})
    xdg = Environment({"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"})
    own = Environment({"BUCKETLINE_CONFIG": "/x.yaml", "BUCKETLINE_STATE": "/st"})

    assert str(plain.config_file) == "/h/.config/bucketline/config.yaml"
    assert str(plain.state_folder) == "/h/.local/state/bucketline"
    assert str(xdg.config_file) == "/c/bucketline/config.yaml"
    assert str(xdg.state_folder) == "/s/bucketline"
    assert (str(own.config_file), str(own.state_folder)) == ("/x.yaml", "/st")


def test_nothing_that_holds_a_secret_prints_it() -> None:
    found = locate("s3://b/", **KEYS)

    assert "demo-secret" not in f"{found!r} {found} {Environment(KEYS)!r}"
