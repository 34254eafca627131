"""What the doctor proves of a server is what later runs prove by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desk import Desk
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
BIG = bytes(range(256)) * (70 << 10)  # 17.5 MiB: in parts.


@pytest.fixture
def here(tmp_path: Path, ministack: Endpoint, capsys: pytest.CaptureFixture[str]) -> Desk:
    os.chdir(tmp_path)
    desk = Desk(tmp_path, ministack, capsys)
    desk.file("small", b"small")
    return desk


def test_after_the_doctor_has_tried_it_checksums_take_the_place_of_md5s(here: Desk) -> None:
    assert here.sync("folder", f"{here.s3}before/")["proof"] == {"etag": 1}
    here.run("doctor", here.s3, "--write-probe", "scratch/")

    assert here.sync("folder", f"{here.s3}in/")["proof"] == {"crc64nvme": 1}
    here.sync(f"{here.s3}in/", f"{here.s3}out/")
    assert here.calm("folder", f"{here.s3}in/")
    *_, found = here.run("verify", f"{here.s3}in/", "--method", "auto")
    assert found["verified"] == 1
    assert here.sync(f"{here.s3}in/", f"{here.s3}out/", "--compare", "checksum")["done"] == 0


def test_a_big_object_is_proven_by_what_its_parts_make(here: Desk) -> None:
    here.file("big", BIG)
    here.run("doctor", here.s3, "--write-probe", "scratch/")
    assert here.sync("folder", f"{here.s3}in/")["proof"] == {"crc64nvme": 2}
    assert here.calm("folder", f"{here.s3}in/")
    assert here.body("in/big") == BIG
