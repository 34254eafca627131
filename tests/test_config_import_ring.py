"""The configuration of the ring's check, as a ring of ours: every word, every error, no secret."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.config import load
from bucketline.config.scripts.old import OldFile
from bucketline.config.scripts.rings import translate_ring
from bucketline.config.scripts.translated import Translated
from bucketline.config.values import reveal
from bucketline.errors import ConfigError
from bucketline.settings import Environment
from old_configs import KEY, SECRET

NOTHING = Environment({})
PASSWORD = "demo-password-not-real"
OLD = f"""\
master: "spark://192.0.2.9:7077"
ring: "DATA"
path: "/fs/spark"
protocol: file
srebuildd_ip: "192.0.2.7"
srebuildd_chord_path: "rebuild/chord-DATA"
srebuildd_arc_path: "rebuild/arc-DATA"
srebuildd_arcdata_path: "rebuild/arcdata-DATA"
nasdk_tools:
  scalarcrevlookupid_bin: "/usr/bin/scalarcrevlookupid"
  scalsplitgetusermd_bin: "/usr/bin/scalsplitgetusermd"
  port_range: [4244, 4249]
  arcdata_path: "arcdata-DATA"
retention: 604800
arc_protection: 8+4
cos_protection: 3
s3:
  access_key: "{KEY}"
  secret_key: "{SECRET}"
  endpoint: "http://192.0.2.8:8000"
sup:
  url: "https://127.0.0.1:2443"
  login: "root"
  password: "{PASSWORD}"
spark.executor.memory: "10g"
spark.executor.instances: 12
"""
IN_BUCKET = OLD.replace("protocol: file", "protocol: s3a").replace("/fs/spark", "results/fsck")


def translated(folder: Path, text: str) -> Translated:
    path = folder / "config.yml"
    path.write_text(text)
    return translate_ring(OldFile.read(path))


def test_every_word_is_taken_over_or_named_with_the_reason(tmp_path: Path) -> None:
    found = translated(tmp_path, OLD)

    assert {word: one.value for word, one in found.ring_words.items()} == {
        "path": "/fs/spark",
        "supervisor": "https://127.0.0.1:2443",
        "bucketd": "http://127.0.0.1:9000",
        "rebuild": "http://192.0.2.7:81",
        "login": "root",
        "arc_alias": "arc-DATA",
        "arcdata_alias": "arcdata-DATA",
        "chord_alias": "chord-DATA",
        "grace_days": 7,
    }
    fates = {word.name: word.fate for word in found.words}
    assert {name for name, fate in fates.items() if fate == "needless"} == {
        *("master", "arc_protection", "cos_protection", "spark.executor.memory"),
        *("nasdk_tools.scalarcrevlookupid_bin", "nasdk_tools.scalsplitgetusermd_bin"),
        *("nasdk_tools.port_range", "nasdk_tools.arcdata_path", "spark.executor.instances"),
    }
    assert {name for name, fate in fates.items() if fate == "left"} == {
        *("s3.access_key", "s3.secret_key", "s3.endpoint")
    }
    assert set(fates.values()) == {"taken", "needless", "left"}
    assert found.secret_lines == (18, 19, 24)


def test_results_in_a_bucket_become_a_remote(tmp_path: Path) -> None:
    found = translated(tmp_path, IN_BUCKET)

    assert found.ring_words["path"].value == "rings"
    assert found.remotes["DATA-old"]["endpoints"].value == "http://192.0.2.8:8000"
    assert [word.name for word in found.words if word.fate == "left"] == ["path"]


def test_every_error_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    wrong = {
        '"DATA"': '"D/A"',
        "protocol: file": "protocol: hdfs",
        '"192.0.2.7"': '"http://x/y"',
        '"rebuild/chord-DATA"': '"chord"',
        "604800": "a week",
        "8+4": "8",
        "cos_protection: 3": "cos_protection: many",
        '"https://127.0.0.1:2443"': '"127.0.0.1:2443"',
        'login: "root"': "login: 7",
    }
    text = OLD
    for right, bad in wrong.items():
        text = text.replace(right, bad)
    with pytest.raises(ConfigError) as error:
        translated(tmp_path, text.replace('srebuildd_arc_path: "rebuild/arc-DATA"\n', ""))

    told = [line.rpartition("config.yml:")[2] for line in str(error.value).splitlines()]
    assert [line.split(": ")[:2] for line in told] == [
        ["1:1", "srebuildd_arc_path"],
        ["2:1", "ring"],
        ["4:1", "protocol"],
        ["5:1", "srebuildd_ip"],
        ["6:1", "srebuildd_chord_path"],
        ["13:1", "retention"],
        ["14:1", "arc_protection"],
        ["15:1", "cos_protection"],
        ["21:3", "sup.url"],
        ["22:3", "sup.login"],
    ]
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize("text", [OLD, IN_BUCKET], ids=["folder", "bucket"])
def test_the_imported_ring_is_one_of_ours(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "config.yml", tmp_path / "new" / "config.yaml"
    old.write_text(text)
    bucketd = "http://192.0.2.5:9000"
    words = ["config", "import", str(old), "--config", str(new)]

    assert main([*words, "--name", "other"]) == 2
    assert main([*words, "--bucketd", "x"]) == 2
    assert main([*words, "--bucketd", bucketd, "--json"]) == 0
    told = capsys.readouterr()
    for secret in (PASSWORD, SECRET):
        assert secret not in told.out + told.err + new.read_text()
    assert json.loads(told.out.splitlines()[-1])["ring"] == "DATA"
    ring = load(new, NOTHING).rings["DATA"]
    assert ring.password is not None
    assert reveal(ring.password, NOTHING) == PASSWORD
    kept = new.parent / "secrets" / "DATA.password"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (ring.bucketd, ring.grace_days) == (bucketd, 7)
    assert main(["config", "check", "--config", str(new)]) == 0
    assert main(words) == 7
    assert main([*words, "--replace"]) == 0
