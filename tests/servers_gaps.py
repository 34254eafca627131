"""What each server is known to lack: test, or test[case] -> reason. Each is a strict xfail."""

from __future__ import annotations

MEMORY: dict[str, str] = {}
LOCAL: dict[str, str] = {}
RCLONE: dict[str, str] = {}
MOTO: dict[str, str] = {}
MINISTACK: dict[str, str] = {}
RADOSGW: dict[str, str] = {}
