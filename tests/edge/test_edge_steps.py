"""Unlock, profile, configure: against the stand-in, as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bucketline.engines.edge.aws_files import with_section
from edge.standing_in import CODE, PEM, Bench
from servers import ACCESS_KEY, SECRET_KEY, Endpoint

CREDENTIALS = "# mine\n[default]\naws_access_key_id=one\n\naws_secret_access_key  =  two\n"
CONFIG = (
    "[profile  other]\nregion=us-east-1 ; near\n\ts3 =\n\n# of all\n\n[services other]\n"
    "s3 =\n   endpoint_url = http://example.com\n"
)


@pytest.fixture
def bench(tmp_path: Path, rclone: Endpoint) -> Bench:
    return Bench(tmp_path, rclone)


def test_a_locked_device_is_unlocked_and_its_keys_are_kept_for_their_owner(bench: Bench) -> None:
    ended = bench.edge("unlock")

    keys = bench.folder / "keys.yaml"
    assert keys.stat().st_mode & 0o777 == 0o600
    assert f"'{ACCESS_KEY}'" in keys.read_text()
    assert f"'{SECRET_KEY}'" in keys.read_text()
    assert bench.state["state"] == "UNLOCKED"
    assert bench.commands().count("unlock-device") == 1
    assert "unlock, write keys" in ended.stdout


def test_a_device_without_an_address_is_waited_for(bench: Bench) -> None:
    bench.change(asleep=3)

    bench.edge("unlock")

    assert bench.state["state"] == "UNLOCKED"


def test_a_device_that_does_not_come_is_still_waited_for_by_the_exit_code(bench: Bench) -> None:
    bench.change(address="0.0.0.0")

    ended = bench.edge("unlock", "--wait", "0", code=4)

    assert "still waiting" in ended.stderr
    assert not (bench.folder / "keys.yaml").exists()


def test_no_secret_is_on_a_command_line_or_in_what_is_said(bench: Bench) -> None:
    said = "".join(
        ended.stdout + ended.stderr
        for ended in (bench.edge("unlock"), bench.edge("profile"), bench.edge("configure"))
    )

    typed = json.dumps(bench.state["shown"])
    assert " edge profile " in typed
    assert "unlock-device" in typed
    for secret in (CODE, SECRET_KEY):
        assert secret not in typed
        assert secret not in said


def test_the_profile_is_one_that_the_aws_tools_read(bench: Bench) -> None:
    bench.edge("profile")

    assert (bench.folder / "ca-bundle.pem").read_text() == PEM + "\n"
    config = (bench.aws / "config").read_text()
    assert "[profile edge-1]\nregion = snow\noutput = json\n" in config
    assert f"ca_bundle = {bench.folder / 'ca-bundle.pem'}\n" in config
    assert f"[services edge-1]\ns3 =\n  endpoint_url = {bench.server.url}\n" in config
    assert "[edge-1]\n" in (bench.aws / "credentials").read_text()
    assert (bench.aws / "credentials").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "dos"])
def test_all_else_in_the_aws_files_stays_byte_by_byte(bench: Bench, end: str) -> None:
    credentials, config = (text.replace("\n", end).encode() for text in (CREDENTIALS, CONFIG))
    (bench.aws / "credentials").write_bytes(credentials)
    (bench.aws / "config").write_bytes(config)

    bench.edge("profile")

    assert (bench.aws / "credentials").read_bytes().startswith(credentials + end.encode())
    assert (bench.aws / "config").read_bytes().startswith(config + end.encode())


def test_an_old_section_of_ours_is_replaced_where_it_stands(bench: Bench) -> None:
    before, after = "# a\n[profile a]\nregion=x\n", "# c\n[profile c]\n  region = y\n"
    ours = "[profile edge-1]\nregion = old\nca_bundle = /old\ncli_pager = less\n\n"
    (bench.aws / "config").write_text(before + ours + after)

    bench.edge("profile")

    text = (bench.aws / "config").read_text()
    assert text.startswith(before + "[profile edge-1]\nregion = snow\n")
    assert "cli_pager = less\n\n" + after in text
    assert "region = old" not in text
    assert "/old" not in text


SOMEBODYS_KEYS = (
    "[edge-1]\naws_access_key_id = another\naws_secret_access_key = kept nowhere else\n"
)


@pytest.mark.parametrize(
    ("keys", "config"),
    [
        (SOMEBODYS_KEYS, ""),
        (SOMEBODYS_KEYS, "[profile edge-1]\nregion = eu-west-1\n"),
        ("", "[ profile  edge-1 ]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = a\n"),
    ],
    ids=["keys", "keys of a region", "role"],
)
def test_a_profile_of_somebody_else_is_not_touched(bench: Bench, keys: str, config: str) -> None:
    (bench.aws / "credentials").write_text(keys)
    (bench.aws / "config").write_text(config)

    ended = bench.edge("profile", code=7)

    assert (bench.aws / "credentials").read_text() == keys
    assert (bench.aws / "config").read_text() == config
    assert "profile edge-1 is not this device's; rename the device's folder" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_profile_of_the_old_scripts_gets_the_keys_that_are_right_now(bench: Bench) -> None:
    (bench.aws / "credentials").write_text(SOMEBODYS_KEYS)
    (bench.aws / "config").write_text("[profile edge-1]\nregion = snow\noutput = json\n")

    bench.edge("profile")

    assert "another" not in (bench.aws / "credentials").read_text()


def test_a_section_that_says_the_same_in_other_spaces_is_left_alone() -> None:
    text = "[profile a]\nregion=snow\ns3=\n    endpoint_url=http://a\n"

    assert with_section(text, "profile a", {"region": "snow"}) == text
    assert with_section(text, "profile a", {"s3": {"endpoint_url": "http://a"}}) == text
    assert with_section(text, "profile a", {"s3": {"endpoint_url": "http://b"}}) != text


def test_the_client_knows_the_device_by_default(bench: Bench) -> None:
    bench.edge("configure")

    told = json.loads((bench.aws / "snowball" / "config" / "snowball-edge.config").read_text())
    assert told["profiles"]["default"]["unlockCode"] == CODE
    assert bench.state["calls"][-1] != ["configure"]
    assert ["describe-device"] in bench.state["calls"]


@pytest.mark.parametrize("command", ["unlock", "profile", "configure"])
def test_a_second_time_changes_nothing(bench: Bench, command: str) -> None:
    bench.edge(command)
    files = {name: Path(name).stat().st_mtime_ns for name in bench.all_files()}
    contents = bench.all_files()

    ended = bench.edge(command)

    assert "nothing left to do" in ended.stdout
    assert bench.all_files() == contents
    assert files == {name: Path(name).stat().st_mtime_ns for name in bench.all_files()}


def test_keys_that_the_device_has_changed_are_fetched_again(bench: Bench) -> None:
    bench.edge("profile")
    bench.change(access_key="demo-other", secret_key="demo-other-secret-not-real")

    bench.edge("profile")

    assert "demo-other-secret-not-real" in (bench.folder / "keys.yaml").read_text()
    assert SECRET_KEY not in (bench.aws / "credentials").read_text()


def test_a_certificate_of_a_new_address_takes_the_old_ones_place(bench: Bench) -> None:
    bench.edge("profile")
    bench.change(certificate_id="99EXAMPLE", pem=PEM.replace("MIIB", "MIIC"), address="192.0.2.9")

    bench.edge("profile")

    assert "MIIC" in (bench.folder / "ca-bundle.pem").read_text()
