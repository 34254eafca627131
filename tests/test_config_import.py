"""Old configurations in new words: what is taken over, what is not, and every error at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.config import load
from bucketline.config.scripts.merged import fragment, merged
from bucketline.config.scripts.old import OldFile
from bucketline.config.scripts.put_away import SecretFiles
from bucketline.config.scripts.translated import Translated, translate
from bucketline.errors import ConfigError, Refused
from bucketline.settings import Environment
from old_configs import AZURE, DIRECT, KEY, SECRET, STAGED_V5, STAGED_V12, direct_side

NOTHING = Environment({})
WILDCARD = "a location takes no wildcard; name the folder and choose in it with --include 'PATTERN'"
NO_URL = "not an endpoint; say https://host or http://host:port"
NO_VOLUMES = "left out: no volumes are there; name them with --volume"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the scripts' volumes would be."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr("bucketline.config.scripts.relays.HOME", folder)
    return folder


def translated(folder: Path, text: str, **how: bool) -> Translated:
    path = folder / "old.yaml"
    path.write_text(text)
    return translate(OldFile.read(path), "x", **how)


def errors_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        translated(folder, text)
    assert SECRET not in str(error.value)
    return str(error.value).replace(f"{folder}/old.yaml:", "").splitlines()


def plain(found: Translated) -> dict[str, dict[str, object]]:
    remotes = {
        name: {word: one.value for word, one in words.items()}
        for name, words in found.remotes.items()
    }
    return {**remotes, "job": {word: one.value for word, one in found.job_words.items()}}


def test_a_file_of_the_first_staged_scripts(tmp_path: Path) -> None:
    assert plain(translated(tmp_path, STAGED_V5)) == {
        "x-source": {"endpoints": "http://192.0.2.12:8080", "region": "snow"},
        "x-target": {"region": "us-east-1"},
        "job": {"source": "x-source:in-bucket/data/", "target": "x-target:out-bucket/"},
    }


def test_a_file_of_the_last_staged_scripts(tmp_path: Path) -> None:
    found = translated(tmp_path, STAGED_V12)
    fates = {word.name: word.said for word in found.words if word.fate != "taken"}

    endpoints = ["https://192.0.2.12", "https://192.0.2.13"]
    assert plain(found)["x-source"] == {"endpoints": endpoints, "region": "snow"}
    assert fates == {
        "local.directory": (
            "has no meaning any more: the scripts gave it up; a relay's volumes are named"
        ),
        "destination.delete_staging_data": (
            "has no meaning any more: a staged copy goes once its delivery is proven, and never"
            " before"
        ),
        "destination.staging_volumes": NO_VOLUMES,
        "transfer_settings.max_size_to_transfer_src2l": NO_VOLUMES,
        "transfer_settings.max_size_to_transfer_l2dest": NO_VOLUMES,
        "transfer_settings.src_use_native_s3": (
            "has no meaning any more: one client moves everything, and every object is proven"
        ),
    }


def test_a_file_of_the_direct_scripts_with_its_logs(tmp_path: Path) -> None:
    found = translated(tmp_path, DIRECT)

    assert plain(found) == {
        "x-source": {"endpoints": "https://192.0.2.12", "region": "us-east-1"},
        "x-target": {"region": "us-east-1"},
        "x-log": {"region": "us-east-1"},
        "job": {
            "source": "x-source:in-bucket/data/moved/",
            "target": "x-target:out-bucket/",
            "logs": "x-log:log-bucket/logs/",
        },
    }
    assert {word.fate for word in found.words} == {"taken", "needless"}
    assert [word.line for word in found.words][:3] == [2, 3, 4]


def test_every_word_of_the_file_is_told_of_even_one_that_nobody_knew(tmp_path: Path) -> None:
    found = translated(tmp_path, DIRECT + "extra:\n  a: 1\n")

    assert len(found.words) == 7 + 7 + 8 + 1 + 1
    assert found.words[-1].said == "left out: the scripts knew no such word"


def test_logs_go_to_a_folder_where_there_is_no_bucket(tmp_path: Path) -> None:
    text = DIRECT.replace('"log-bucket"', '""')

    assert plain(translated(tmp_path, text))["job"]["logs"] == f"{tmp_path}/logs"


def test_logs_inside_the_source_are_left_out(tmp_path: Path) -> None:
    text = direct_side("src", "b", "", "no_endpoint") + direct_side("dst", "o", "", "no_endpoint")
    found = translated(tmp_path, text + direct_side("log", "b", "logs", "no_endpoint"))

    assert "logs" not in found.job_words
    assert {w.said for w in found.words if w.name.startswith("log.")} == {
        "left out: logs inside the source would be copied with it"
    }


def test_transfer_acceleration_is_an_endpoint_with_the_bucket_in_its_name(tmp_path: Path) -> None:
    text = DIRECT.replace("https://192.0.2.12", "in-bucket.s3-accelerate.amazonaws.com")

    assert plain(translated(tmp_path, text))["x-source"] == {
        "endpoints": "https://s3-accelerate.amazonaws.com",
        "path_style": False,
        "region": "us-east-1",
    }


def test_certificates_are_checked_unless_a_person_says_otherwise(tmp_path: Path) -> None:
    checked, trusting = translated(tmp_path, DIRECT), translated(tmp_path, DIRECT, verify_tls=False)

    assert "verify_tls" not in plain(checked)["x-source"]
    assert "ca_bundle: FILE" in checked.notes[0]
    assert plain(trusting)["x-source"]["verify_tls"] is False
    assert "verify_tls" not in plain(trusting)["x-target"]


def test_empty_keys_leave_it_to_the_aws_chain(tmp_path: Path) -> None:
    text = DIRECT.replace(f"'{KEY}'", "''").replace(f"'{SECRET}'", "''")
    found = translated(tmp_path, text)

    assert (found.keys, found.secret_lines) == ({}, ())
    assert "without keys: those of the AWS variables and files" in found.words[4].said


def test_it_says_where_the_old_file_still_holds_keys(tmp_path: Path) -> None:
    assert translated(tmp_path, STAGED_V5).secret_lines == (5, 6, 13, 14)


def test_every_error_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = (
        "src:\n"
        "  bucket: ''\n"
        "  bucket_prefix: 7\n"
        "  region: snow\n"
        f"  secret_access_key: '{SECRET}'\n"
        "  endpoint_urls: [no_endpoint]\n"
        "dst:\n"
        "  bucket: 'b'\n"
        "  bucket_prefix: 'a*'\n"
        "  access_key: 'your-access-key'\n"
        f"  secret_access_key: 'demo secret'\n"
        "  endpoint_urls: ['http://a', 'ftp://b', no_endpoin]\n"
        "log: 5\n"
    )

    assert errors_of(tmp_path, text) == [
        "1:1: src.access_key: is empty, and the other key is not; give both or neither",
        "2:3: src.bucket: is missing; name the bucket",
        "3:3: src.bucket_prefix: must be text; put it in quotes",
        "6:3: src.endpoint_urls: a device needs its endpoint; write its URL",
        f"9:3: dst.bucket_prefix: {WILDCARD}",
        "10:3: dst.access_key: is the sample's; put the key there, or leave both keys empty",
        "11:3: dst.secret_access_key: holds spaces or line breaks; correct it",
        f"12:31: dst.endpoint_urls.1: ftp://b: {NO_URL}",
        f"12:42: dst.endpoint_urls.2: no_endpoin: {NO_URL}",
        "13:1: log: must be a section; write NAME: lines under it",
    ]


def test_an_azure_container_is_one_clear_line(tmp_path: Path) -> None:
    (told,) = errors_of(tmp_path, AZURE)

    assert told.startswith("2:3: src.service: an Azure container is no S3: bucketline cannot move")


def test_an_azure_log_is_left_out_and_the_rest_taken_over(tmp_path: Path) -> None:
    head, _, log = DIRECT.partition("log:\n")
    found = translated(tmp_path, head + "log:\n" + log.replace('"AWS"', '"AZURE"'))

    assert set(found.job_words) == {"source", "target"}
    assert {w.fate for w in found.words if w.name.startswith("log.bucket")} == {"left"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n", "is no file of the transfer scripts"),
        ("remotes: {}\n", "is a configuration of bucketline already"),
        ("unlock_key: 'x'\n", "is of a device's set-up: leave it in the device"),
        ("- 1\n", "holds no sections"),
        ("src: {a: 1}\nsrc: {a: 2}\n", 'found duplicate key "src"'),
        ("src: [\n", "correct this line"),
        ("src: {}\n", "dst.bucket: is missing; name the bucket"),
        ("src:\n  endpoint_urls: ['https://me:pass-word@h']\n", "carries a user or a password"),
        ("src:\n  service: 'GCS'\n", "must be AWS, which is the scripts' word for S3"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, text: str, expected: str) -> None:
    told = "\n".join(errors_of(tmp_path, text))

    assert expected in told
    assert "pass-word" not in told


OURS = """\
# Ours, by hand.
remotes:
  archive:   # far away
    region: 'eu-central-1'
    profile: "archive"
jobs:
  photos:
    source: ./photos
    target: archive:copy/    # at night
    filters:
      - exclude: '*.tmp'

      - include: '2026/**'

limits: {workers: 8}   # enough
"""


def into(folder: Path, ours: str, **how: bool) -> str:
    path = folder / "config.yaml"
    path.write_text(ours)
    found = translated(folder, DIRECT)
    return merged(path, found, SecretFiles(path, found.keys), **{"replaces": False, **how})


@pytest.mark.parametrize(
    "ours", [OURS, "", "# nothing yet\n", "limits:\n  workers: 8\n", "logs: x"]
)
def test_what_is_in_our_file_stays_line_by_line(tmp_path: Path, ours: str) -> None:
    text = into(tmp_path, ours)

    rest = iter(text.splitlines())
    assert [line for line in ours.splitlines() if line not in rest] == []
    (tmp_path / "config.yaml").write_text(text)
    config = load(tmp_path / "config.yaml", NOTHING)
    assert {"x-source", "x-target", "x-log"} <= set(config.remotes)
    assert config.jobs["x"].logs == "x-log:log-bucket/logs/"


def test_a_file_in_flow_style_is_added_to_as_well(tmp_path: Path) -> None:
    text = into(tmp_path, "remotes: {a: {region: eu-west-1}}\njobs: {}\n")

    (tmp_path / "config.yaml").write_text(text)
    assert {"a", "x-source"} <= set(load(tmp_path / "config.yaml", NOTHING).remotes)


def test_names_that_are_taken_are_refused_unless_told(tmp_path: Path) -> None:
    once = into(tmp_path, OURS)
    with pytest.raises(Refused, match=r"has remotes.x-source, .*, remotes.x-log, job"):
        into(tmp_path, once)

    assert into(tmp_path, once.replace("192.0.2.12", "192.0.2.99"), replaces=True) == once


def test_a_fragment_says_where_each_word_comes_from(tmp_path: Path) -> None:
    found = translated(tmp_path, STAGED_V5)
    text = fragment(found, SecretFiles(tmp_path / "config.yaml", found.keys))

    assert "old.yaml: transfer_settings.src_endpoint_url, line 19" in text
    assert "secret_key: {file: secrets/x-source.secret-key}" in text
    assert SECRET not in text
