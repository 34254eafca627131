"""Splunk's program and what it begins: ended with it, or left alone; our terminal ends neither."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from bucketline.engines.splunk.tool import called

AROUND = {"PATH": "/usr/bin:/bin"}


def test_ctrl_c_at_our_terminal_does_not_reach_it() -> None:
    code, said = called([sys.executable, "-c", "import os; print(os.getsid(0))"], AROUND, 60)

    assert (code, said.isdecimal()) == (0, True)
    assert int(said) != os.getsid(0)


def test_one_that_takes_too_long_ends_with_its_helpers(tmp_path: Path) -> None:
    """They would write where the next one is at work."""
    late = tmp_path / "late"
    reader, writer = os.pipe()
    script = f"(sleep 3; echo late > {late}) & wait"
    code, said = called(["/bin/sh", "-c", script], AROUND, 0.3, [writer])
    os.close(writer)
    assert os.read(reader, 1) == b"", "nobody holds it any more"
    os.close(reader)

    assert (code, said) == (-1, "no end in 0 s")
    assert not late.exists()


def test_what_it_leaves_behind_to_go_on_is_not_waited_for() -> None:
    """As a restart leaves Splunk."""
    code, said = called(["/bin/sh", "-c", "sleep 60 & echo $!"], AROUND, 600)

    assert code == 0
    alive = Path(f"/proc/{said}/stat").read_text().rpartition(")")[2].split()[0]
    os.kill(int(said), signal.SIGKILL)
    assert alive != "Z"
