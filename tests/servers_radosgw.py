"""Ceph's S3 gateway: one monitor, one OSD in memory, one radosgw; no systemd, no other machine.

Debian's packages: ceph-mon, ceph-osd, ceph-common, radosgw. About a second to start.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import processes

PROGRAMS = ("ceph-mon", "ceph-osd", "ceph", "monmaptool", "radosgw", "radosgw-admin")
_CONFIG = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{port}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
keyring = /dev/null
# Without it radosgw hangs where there is no authentication.
ms mon client mode = crc
paxos propose interval = 0.05
run dir = {folder}
admin socket =
pid file =
crash dir = {folder}
log file = {folder}/$name.log
debug default = 0/0
debug rgw = 0/0
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
osd objectstore = {kind}
memstore device bytes = 8589934592
bluestore block size = 51539607552
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
# A full disk of this machine is not a full OSD: its data is in memory.
mon data avail crit = 0
mon osd nearfull ratio = 0.97
mon osd backfillfull ratio = 0.98
mon osd full ratio = 0.99
rgw dynamic resharding = false
rgw override bucket index max shards = 1
rgw enable ops log = false
"""


def launch(
    folder: Path, *, users: Sequence[str], secret: str, kind: str = "memstore"
) -> tuple[int, tuple[int, ...]]:
    """The gateway's port, and the ids of all processes. Users are named by their access keys.

    Kind `memstore` starts fastest and gives no memory back; `bluestore` is a file in `folder`.
    """
    pids: list[int] = []
    home = Path(folder)
    port = processes.free_port()
    try:
        _monitor(home, pids, kind)
        _start_disk(home, pids)
        for user in users:
            _add_user(home, user, secret)
        front = f"--rgw-frontends=beast endpoint=127.0.0.1:{port} tcp_nodelay=1"
        command = ["radosgw", "-c", "ceph.conf", "-n", "client.rgw.a", "-f", front]
        pids.append(processes.spawn(command, home))
        processes.await_port(port, pids[-1], home / "radosgw.log")
    except BaseException:
        processes.kill(pids)
        raise
    return port, tuple(pids)


def _monitor(home: Path, pids: list[int], kind: str) -> None:
    """At another port, where somebody had that one in the moment between choosing and binding."""
    for _ in range(2):
        try:
            _start_monitor(home, pids, kind)
        except RuntimeError:
            processes.kill(pids)
            pids.clear()
        else:
            return
    _start_monitor(home, pids, kind)


def _start_monitor(home: Path, pids: list[int], kind: str) -> None:
    for name in ("mon", "osd"):
        shutil.rmtree(home / name, ignore_errors=True)
    fsid = str(uuid4())
    port = processes.free_port(3_300, 6_800)  # From 6,800 on is where OSDs look for ports.
    words = {"fsid": fsid, "port": port, "folder": home, "kind": kind}
    (home / "ceph.conf").write_text(_CONFIG.format(**words))
    address = f"[v2:127.0.0.1:{port}]"
    made = ["monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", address, "map"]
    processes.run(made, home)
    monitor = ["ceph-mon", "-c", "ceph.conf", "-i", "a"]
    processes.run([*monitor, "--mkfs", "--monmap", "map"], home)
    pids.append(processes.spawn([*monitor, "-f"], home))
    processes.await_port(port, pids[-1], home / "ceph-mon.log")


def _start_disk(home: Path, pids: list[int]) -> None:
    identity = str(uuid4())
    ask = ["ceph", "-c", "ceph.conf", "--connect-timeout", "20"]
    processes.run([*ask, "osd", "new", identity, "0"], home)
    (home / "osd").mkdir()
    disk = ["ceph-osd", "-c", "ceph.conf", "-i", "0"]
    processes.run([*disk, "--mkfs", "--osd-uuid", identity], home)
    pids.append(processes.spawn([*disk, "-f"], home))


def _add_user(home: Path, name: str, secret: str) -> None:
    command = ["radosgw-admin", "-c", "ceph.conf", "user", "create", "--uid", name]
    keys = ["--display-name", name, "--access-key", name, "--secret-key", secret]
    processes.run([*command, *keys, "--max-buckets", "0"], home)
