"""Credentials: where they come from, when they are renewed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import BadCredentials
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.s3.credentials import Credentials, aws_settings, source_of
from faults import kinds
from faults.proxy import FaultProxy
from s3_by_hand import START, Played, answer, header, store
from servers import Endpoint

OK = answer(body=b"x", content_length="1", etag='"e"')


def keys(name: str, expires: float = 0.0) -> Keys:
    return Keys(name, Secret("demo-secret-not-real"), Secret(""), expires)


def test_keys_without_an_end_are_asked_for_once() -> None:
    given = iter([keys("demo-a")])
    clock = FakeClock(START)
    place = store(keys=lambda: next(given), clock=clock)

    for _ in range(3):
        played = Played(place.stat("k"), OK)
        clock.sleep(100_000)

    assert "Credential=demo-a/" in header(played.requests[0], "Authorization")


def test_keys_are_renewed_five_minutes_before_their_end() -> None:
    clock = FakeClock(START)
    given = iter([keys("demo-a", START + 3600), keys("demo-b", START + 7200)])
    place = store(keys=lambda: next(given), clock=clock)

    Played(place.stat("k"), OK)
    clock.sleep(3299)
    early = Played(place.stat("k"), OK)
    clock.sleep(1)
    late = Played(place.stat("k"), OK)

    assert "Credential=demo-a/" in header(early.requests[0], "Authorization")
    assert "Credential=demo-b/" in header(late.requests[0], "Authorization")


def test_a_source_that_fails_does_no_harm_while_the_old_keys_work() -> None:
    clock = FakeClock(START)
    old = keys("demo-a", START + 3600)
    answers = iter([old])

    def source() -> Keys:
        for given in answers:
            return given
        raise BadCredentials("away")

    credentials = Credentials(source, clock)
    credentials.load()
    clock.sleep(3400)
    assert credentials.load() == (old, START + 3430)
    clock.sleep(300)
    with pytest.raises(BadCredentials):
        credentials.load()


def test_stale_keys_are_replaced_once_for_all_who_ask() -> None:
    given = iter([keys("demo-a"), keys("demo-b")])
    credentials = Credentials(lambda: next(given), FakeClock(START))
    first, _ = credentials.load()

    assert credentials.load(first)[0] == keys("demo-b")
    assert credentials.load(first)[0] == keys("demo-b")


@pytest.fixture
def aws_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


def test_a_profile_gives_keys(aws_files: Path) -> None:
    (aws_files / "credentials").write_text(
        "[site]\naws_access_key_id = demo-access\naws_secret_access_key = demo-secret-not-real\n"
    )

    assert source_of(Remote(profile="site"))() == keys("demo-access")


def test_a_process_gives_keys_with_an_end(aws_files: Path) -> None:
    told = {
        "Version": 1,
        "AccessKeyId": "demo-access",
        "SecretAccessKey": "demo-secret-not-real",
        "SessionToken": "demo-token",
        "Expiration": "2100-01-01T00:00:00Z",
    }
    (aws_files / "told.json").write_text(json.dumps(told))
    (aws_files / "config").write_text(
        f"[profile site]\ncredential_process = cat {aws_files / 'told.json'}\n"
    )

    found = source_of(Remote(profile="site"))()

    assert found == Keys(
        "demo-access",
        Secret("demo-secret-not-real"),
        Secret("demo-token"),
        datetime(2100, 1, 1, tzinfo=UTC).timestamp(),
    )


def test_no_keys_anywhere_says_what_to_do(aws_files: Path) -> None:
    with pytest.raises(BadCredentials, match="no credentials in the environment"):
        source_of(Remote())()
    with pytest.raises(BadCredentials, match="site"):
        source_of(Remote(profile="site"))()


def test_given_keys_come_before_a_profile_and_anonymous_before_all() -> None:
    given = keys("demo-access")

    assert source_of(Remote(keys=given, profile="site"))() == given
    assert source_of(Remote(keys=given, anonymous=True))() is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[default]\nregion = eu-west-1\n", ("", "eu-west-1")),
        ("[default]\nendpoint_url = http://a:1\n", ("http://a:1", "")),
        (
            (
                "[default]\nservices = own\nendpoint_url = http://a:1\n"
                "[services own]\ns3 =\n  endpoint_url = http://b:2\n"
            ),
            ("http://b:2", ""),
        ),
    ],
)
def test_endpoint_and_region_come_from_the_profile(
    aws_files: Path, text: str, expected: tuple[str, str]
) -> None:
    (aws_files / "config").write_text(text)

    assert aws_settings() == expected


def test_botocore_is_not_loaded_for_keys_that_are_given() -> None:
    code = (
        "import sys; from bucketline.stores.s3 import S3Store; from bucketline.settings import *;"
        "from bucketline.clock import FakeClock;"
        "S3Store(Remote(keys=Keys('demo-access', Secret('x'))), 'b', clock=FakeClock());"
        "sys.exit('botocore' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of somebody whose role is another's to give."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return tmp_path


def test_a_role_that_is_refused_is_told_in_one_line(
    home: Path, moto: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config").write_text(
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/theirs\nregion = us-east-1\n"
        "source_profile = base\n"
        "[profile base]\naws_access_key_id = demo\naws_secret_access_key = demo-not-real\n"
    )
    with FaultProxy(moto.url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", proxy.url)
        proxy.add(kinds.refuse(403, "AccessDenied"))
        with pytest.raises(BadCredentials, match="AssumeRole"):
            source_of(Remote("s3", profile="role"))()


def test_a_program_that_tells_no_keys_is_told_in_one_line(home: Path) -> None:
    (home / "config").write_text("[profile odd]\ncredential_process = /bin/echo no keys\n")

    with pytest.raises(BadCredentials, match="the AWS configuration gives no credentials"):
        source_of(Remote("s3", profile="odd"))()
