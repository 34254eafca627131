"""An archive, a Splunk and a person who restores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bucketline.cli import main
from bucketline.flow.drive import blocking
from bucketline.flow.look.listing import entries
from bucketline.model import Attributes, Entry
from desk import Desk
from splunk.double import PASSWORD, USER, Double
from splunk.journals import SUFFIX, journal

ORIGIN = "CEB1E2B6-34F2-40EB-A2EF-10C5531556F9"


class Site:
    """All three."""

    def __init__(self, desk: Desk, home: Path, monkeypatch: Any, server: Any) -> None:
        self.desk = desk
        home.mkdir()
        self.splunk = Double(home, server, desk.bucket, "s2/")
        monkeypatch.setenv("SPLUNK_LOGIN", f"{USER}:{PASSWORD}")

    def archive(self, index: str, number: int, **how: Any) -> str:
        """One bucket; its name."""
        guid = how.get("guid", ORIGIN)
        codec = how.get("codec", "zstd")
        newest, oldest = 1_651_670_906 + number, 1_651_669_557 + number
        name = f"{how.get('kind', 'db')}_{newest}_{oldest}_{number}" + (f"_{guid}" if guid else "")
        key = f"ddss/{index}/{how.get('layout', '')}{name}/rawdata/journal{SUFFIX[codec]}"
        body = how.get("body")
        if body is None:
            body = journal(how.get("events", 50), codec, seed=number)
        self.put(key, body, how.get("tier", ""))
        return name

    def put(self, key: str, body: bytes, tier: str = "") -> None:
        blocking(self.desk.store.write(key, body, attributes=Attributes(tier=tier)))

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The summary."""
        return self.told(*words, code=code)[-1]

    def told(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        patience = "0.2" if code else "60"  # Who is to succeed has time; nobody waits it out.
        quick = ("--poll", "0.02", "--upload-timeout", patience, "--evict-timeout", patience)
        return self.desk.run(
            "splunk", "run", f"{self.desk.s3}ddss/", f"{self.desk.s3}s2/",
            *("--i-accept-unsupported", "--reserve", "1", *self.reaching(), *quick, *words),
            code=code,
        )  # fmt: skip

    def desk_status(self, *words: str) -> list[dict[str, Any]]:
        """It takes no endpoint: nobody is asked."""
        ended = main(["splunk", "status", *words, "--json"])
        assert ended == 0
        return [json.loads(line) for line in self.desk._capsys.readouterr().out.splitlines()]

    def words(self) -> list[str]:
        """As a process of its own is called."""
        return [
            *("splunk", "run", f"{self.desk.s3}ddss/", f"{self.desk.s3}s2/", "--poll", "0.02"),
            *("--i-accept-unsupported", "--reserve", "1", "--endpoint-url", self.desk.url),
            *self.reaching(),
        ]

    def reaching(self) -> Sequence[str]:
        splunk = self.splunk
        return (
            *("--splunk-url", splunk.url, "--splunk-ca", str(splunk.ca_file)),
            *("--splunk-auth", "env:SPLUNK_LOGIN", "--splunk-home", str(splunk.home)),
        )

    def states(self, *words: str, code: int = 0) -> dict[str, str]:
        """How each bucket that is told ended."""
        told = self.told(*words, code=code)
        return {str(one["bucket"]): str(one["state"]) for one in told if one["event"] == "bucket"}

    def uploaded(self) -> list[Entry]:
        return self.stored("s2/")

    def stored(self, prefix: str = "") -> list[Entry]:
        from bucketline.flow.drive import open_drive

        drive = open_drive()
        try:
            return list(entries(self.desk.store, prefix, drive))
        finally:
            drive.close()
