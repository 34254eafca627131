"""What Splunk's own program does, of the double, and of a real one if `SPLUNK_HOME` names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.engines.splunk.tool import RebuildFailed, Tool
from splunk.journals import SUFFIX, journal
from splunk.peer import Peer


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_rebuild_leaves_what_makes_a_bucket(peer: Peer, codec: str, tmp_path: Path) -> None:
    folder = bucket_of(journal(20, codec), codec, tmp_path)

    tool_of(peer).rebuild(folder, "main", lock=0)

    assert (folder / "bucket_info.csv").exists() or (folder / "Hosts.data").exists()


def test_a_rebuild_of_a_cut_journal_fails_or_leaves_nothing(peer: Peer, tmp_path: Path) -> None:
    folder = bucket_of(journal(5000, "gzip")[:-3000], "gzip", tmp_path)

    with pytest.raises(RebuildFailed):
        tool_of(peer).rebuild(folder, "main", lock=0)


def bucket_of(body: bytes, codec: str, tmp_path: Path) -> Path:
    folder = tmp_path / "db_1651670907_1651669557_1_CEB1E2B6-34F2-40EB-A2EF-10C5531556F9"
    (folder / "rawdata").mkdir(parents=True)
    (folder / f"rawdata/journal{SUFFIX[codec]}").write_bytes(body)
    return folder


def tool_of(peer: Peer) -> Tool:
    if peer.home is None:
        pytest.skip("SPLUNK_HOME is not named")
    return Tool(peer.home, 120)
