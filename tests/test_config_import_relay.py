"""What the staged scripts said of volumes and caps, as a relay of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.config import load
from bucketline.config.scripts.merged import fragment
from bucketline.config.scripts.put_away import SecretFiles
from old_configs import STAGED_V12
from test_config_import import NOTHING, errors_of, plain, translated


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the scripts' volumes would be."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr("bucketline.config.scripts.relays.HOME", folder)
    return folder


def test_volumes_and_caps_of_the_staged_scripts_become_a_relay(tmp_path: Path, home: Path) -> None:
    for name in ("volume-02", "volume-01", "volume-x"):
        (home / name).mkdir()

    found = translated(tmp_path, STAGED_V12)

    volumes = [f"{home}/volume-01", f"{home}/volume-02"]
    relay = {"volumes": volumes, "max_fetch": 2 * 200 << 30, "max_send": 200 << 30}
    assert plain(found)["job"]["relay"] == relay
    fates = {word.name: word.fate for word in found.words}
    assert fates["destination.staging_volumes"] == "taken"
    path = tmp_path / "new.yaml"
    path.write_text(fragment(found, SecretFiles(path, found.keys)))
    job = load(path, NOTHING).jobs["x"]
    assert job.relay is not None
    assert job.relay["volumes"] == volumes


def test_caps_in_bytes_and_volumes_by_name(tmp_path: Path) -> None:
    text = STAGED_V12.replace('["default"]', '["/mnt/a"]')
    text = text.replace("src2l: 200", "src2l: 52073738204")

    relay = plain(translated(tmp_path, text))["job"]["relay"]

    assert relay == {"volumes": ["/mnt/a"], "max_fetch": 52_073_738_204, "max_send": 200 << 30}


def test_wrong_words_of_staging_are_told(tmp_path: Path) -> None:
    text = STAGED_V12.replace('["default"]', "[1]").replace("src2l: 200", "src2l: plenty")

    errors = errors_of(tmp_path, text)

    assert [line.split(": ")[1] for line in errors] == [
        "destination.staging_volumes",
        "transfer_settings.max_size_to_transfer_src2l",
    ]
