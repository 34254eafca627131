"""Figures as a page: medians, and ours divided by the best peer's."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from bench.measure import Cost
from bench.tools import OURS
from bench.workloads import Workload

_MIB = 1 << 20
_MEMORY_MAX = 200 * _MIB


@dataclass(frozen=True, slots=True)
class Result:
    workload: Workload
    objects: int
    runs: int
    medians: dict[str, Cost]

    def ratio(self, what: str) -> float:
        """Ours over the best peer's; below 1 is better than every peer."""
        peers = [getattr(cost, what) for name, cost in self.medians.items() if name != OURS]
        return float(getattr(self.medians[OURS], what) / min(peers))

    @property
    def holds(self) -> bool:
        if not self.workload.peers:
            return self.medians[OURS].peak_bytes <= _MEMORY_MAX
        return (
            self.ratio("cpu_seconds") <= self.workload.cpu_max
            and self.ratio("wall_seconds") <= self.workload.wall_max
        )


def table(results: list[Result]) -> str:
    lines = [
        "| work | objects | tool | CPU s | wall s | peak MiB | CPU ratio (bar) | wall ratio (bar)|",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for name, cost in result.medians.items():
            ratios = "| |"
            if name == OURS and result.workload.peers:
                work = result.workload
                ratios = (
                    f"**{result.ratio('cpu_seconds'):.2f}** ({work.cpu_max:.2f}) "
                    f"| **{result.ratio('wall_seconds'):.2f}** ({work.wall_max:.2f}) |"
                )
            lines.append(
                f"| {result.workload.title} | {result.objects:,} | {name} | {cost.cpu_seconds:.2f} "
                f"| {cost.wall_seconds:.2f} | {cost.peak_bytes / _MIB:.0f} | {ratios}"
            )
    return "\n".join(lines)


def page(results: list[Result]) -> str:
    missed = [result.workload.title for result in results if not result.holds]
    return f"""# Benchmarks

Written by `./run bench`. Every tool did the same work on the same server, in turn; medians of
{max(result.runs for result in results)} runs. CPU is the client's, user and system. A ratio is
ours divided by the best peer's; the bar is in brackets. Ours always with its verification (MD5 of
every object) and its ledger on (`synchronous=FULL`); s5cmd compares by size only where it syncs,
rclone by checksum.
Machine: {platform.machine()}, Python {platform.python_version()}, {platform.system()}.

{table(results)}

Bars missed: {", ".join(missed) if missed else "none"}.
"""
