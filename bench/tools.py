"""How each tool is told to do the same thing, with the settings that suit it best."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ACCESS_KEY, SECRET_KEY, tool

OURS, S5CMD, RCLONE = "bucketline", "s5cmd", "rclone"
_BUSY = "32"  # In flight at once, for every tool that can be told.


@dataclass(frozen=True, slots=True)
class Job:
    """A source and a target: a folder, or (endpoint, "bucket/prefix/")."""

    source: Path | tuple[str, str]
    target: Path | tuple[str, str]
    proof: str = ""  # The weakest that ours accepts; "" = what it does unasked.


def environment(job: Job, state: Path) -> dict[str, str]:
    env = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
        "BUCKETLINE_STATE": str(state),
        "RCLONE_CONFIG": str(state / "rclone.conf"),
    }
    for name, side in (("A", job.source), ("B", job.target)):
        if isinstance(side, tuple):
            env |= {
                f"RCLONE_CONFIG_{name}_TYPE": "s3",
                f"RCLONE_CONFIG_{name}_PROVIDER": "Other",
                f"RCLONE_CONFIG_{name}_ENDPOINT": side[0],
                f"RCLONE_CONFIG_{name}_ENV_AUTH": "true",
                f"RCLONE_CONFIG_{name}_FORCE_PATH_STYLE": "true",
            }
    return env


def copy(name: str, job: Job) -> list[str] | None:
    """Everything from source to target; None where the tool cannot."""
    if name == RCLONE:
        return [*_rclone("copy"), _remote("A", job.source), _remote("B", job.target)]
    if name == S5CMD:
        if isinstance(job.source, tuple) and isinstance(job.target, tuple):
            return None
        side = job.target if isinstance(job.target, tuple) else job.source
        assert isinstance(side, tuple)
        words = [tool("s5cmd"), "--endpoint-url", side[0], "--numworkers", _BUSY, "cp"]
        return [*words, _glob(job.source), _plain(job.target)]
    return sync(OURS, job)


def sync(name: str, job: Job) -> list[str] | None:
    """Make the target hold what the source holds, by the strongest cheap comparison it has."""
    if name == RCLONE:
        words = [*_rclone("sync"), "--checksum", "--fast-list"]
        return [*words, _remote("A", job.source), _remote("B", job.target)]
    if name == S5CMD:
        assert isinstance(job.source, tuple)
        words = [tool("s5cmd"), "--endpoint-url", job.source[0], "--numworkers", _BUSY]
        return [*words, "sync", "--size-only", _glob(job.source), _plain(job.target)]
    words = [sys.executable, "-m", "bucketline", "sync", "--progress", "none"]
    if isinstance(job.source, tuple):
        words += ["--source-endpoint-url", job.source[0]]
    if isinstance(job.target, tuple):
        words += ["--target-endpoint-url", job.target[0]]
    if job.proof:
        words += ["--accept-proof", job.proof]
    return [*words, _plain(job.source), _plain(job.target)]


def listing(name: str, endpoint: str, place: str) -> list[str] | None:
    """Every key under a prefix, printed."""
    if name == RCLONE:
        return [*_rclone("lsf"), "-R", "--fast-list", "--format", "sp", f"A:{place}"]
    if name == S5CMD:
        return [tool("s5cmd"), "--endpoint-url", endpoint, "ls", f"s3://{place}*"]
    return [sys.executable, "-m", "bucketline", "ls", "--endpoint-url", endpoint, f"s3://{place}"]


def _rclone(verb: str) -> list[str]:
    return [
        tool("rclone"), verb, "--transfers", _BUSY, "--checkers", _BUSY, "--stats", "0",
        "--s3-no-check-bucket", "--log-level", "ERROR",
    ]  # fmt: skip


def _remote(name: str, side: Path | tuple[str, str]) -> str:
    return f"{name}:{side[1]}" if isinstance(side, tuple) else str(side)


def _plain(side: Path | tuple[str, str]) -> str:
    return f"s3://{side[1]}" if isinstance(side, tuple) else f"{side}/"


def _glob(side: Path | tuple[str, str]) -> str:
    return f"s3://{side[1]}*" if isinstance(side, tuple) else f"{side}/"
