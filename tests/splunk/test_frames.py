"""Journals that check themselves: no byte of one can be another one and be decoded."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest

from bucketline.engines.splunk.codecs import Damaged
from bucketline.engines.splunk.frames import checks_itself
from bucketline.engines.splunk.journal import counted
from splunk.journals import CODECS, digest, journal, lines

WHOLE = digest(lines(6))
# The journal of those six events in two frames each, as the programs `zstd` and `lz4` write it.
WRITTEN = {
    "zstd-check": (
        "KLUv/QRY3QQAkgghJYBZBzMwAzPEfIJUypu9jyao8QwgGE+3YX/maLZ1chWJsZtMKQVLR/eEO8LsB8fzDBQlIaio"
        "nRncC8drIEmaqiphf+MaqLnZdw996eiscKj9pu4mRIYtOuFi/7pVAWSOiWlSvga5AmU+jYo9dnaPlG9Zrm6DJCrQ"
        "f0h5t3oxkNpvYhgICABA0GAVDHcInICBDOooLhIdNvUCbkHKKLUv/QRYhQMA1AQCA2V2ZW50IDIgdXNlcj00MjQ1"
        "MCB4IUYDAKwCAAYDAggBCTM1MzYxMSE6BAAAkAMACAQ0NDI0NjA0IT0FAAD0AwAKBTU5OTc0OHh4eA4AgCpw2Ve8"
        "u2oHoAXYXYJNEtrJdYArr2CwrYgEQ9aBJubawk8="
    ),
    "lz4-check": (
        "BCJNGGRAp6MAAADyGwoDADV6cmIDC2hvc3Q6OndlYi0xBBJzb3VyY2U6Oi92YXIvbG9nL2EFERQA8A90eXBlOjpw"
        "bGFpbgYFb3RoZXIJA2FiYwALCB8BAQFLADchPgABAP8MAggBCQIDZXZlbnQgMCB1c2VyPTg4NTQ0MCB4AQAEMyFA"
        "AUAASGQAAgFAABIxQABvNzk0NzcyQAAGU3h4ITYCQgCQyAEABAICCAEJAAAAADOcmMMEIk0YZECnewAAAPsHAgNl"
        "dmVudCAyIHVzZXI9NDI0NTAgeAEAQiFGAwABAJSsAgAGAwIIAQk4ABIzOABeNTM2MTE5AAsCADIhOgRHAGgAkAMA"
        "CARIABI0SABtNDI0NjA0gQBjeHh4IT0FPABY9AMACgU8ABM1PABeOTk3NDg8AFB4eHh4eAAAAACqVmDI"
    ),
    "lz4-blocks": (
        "BCJNGHBAraMAAADyGwoDADV6cmIDC2hvc3Q6OndlYi0xBBJzb3VyY2U6Oi92YXIvbG9nL2EFERQA8A90eXBlOjpw"
        "bGFpbgYFb3RoZXIJA2FiYwALCB8BAQFLADchPgABAP8MAggBCQIDZXZlbnQgMCB1c2VyPTg4NTQ0MCB4AQAEMyFA"
        "AUAASGQAAgFAABIxQABvNzk0NzcyQAAGU3h4ITYCQgCQyAEABAICCAEJieelQAAAAAAEIk0YcECtewAAAPsHAgNl"
        "dmVudCAyIHVzZXI9NDI0NTAgeAEAQiFGAwABAJSsAgAGAwIIAQk4ABIzOABeNTM2MTE5AAsCADIhOgRHAGgAkAMA"
        "CARIABI0SABtNDI0NjA0gQBjeHh4IT0FPABY9AMACgU8ABM1PABeOTk3NDg8AFB4eHh4eN3mXHMAAAAA"
    ),
    "zstd-plain": (
        "KLUv/QBY3QQAkgghJYBZBzMwAzPEfIJUypu9jyao8QwgGE+3YX/maLZ1chWJsZtMKQVLR/eEO8LsB8fzDBQlIaio"
        "nRncC8drIEmaqiphf+MaqLnZdw996eiscKj9pu4mRIYtOuFi/7pVAWSOiWlSvga5AmU+jYo9dnaPlG9Zrm6DJCrQ"
        "f0h5t3oxkNpvYhgICABA0GAVDHcInICBDOooLhIdNvUotS/9AFiFAwDUBAIDZXZlbnQgMiB1c2VyPTQyNDUwIHgh"
        "RgMArAIABgMCCAEJMzUzNjExIToEAACQAwAIBDQ0MjQ2MDQhPQUAAPQDAAoFNTk5NzQ4eHh4DgCAKnDZV7y7ageg"
        "Bdhdgk0S2sl1gCuvYLCtiARD1oEm"
    ),
    "lz4-plain": (
        "BCJNGGBAgqMAAADyGwoDADV6cmIDC2hvc3Q6OndlYi0xBBJzb3VyY2U6Oi92YXIvbG9nL2EFERQA8A90eXBlOjpw"
        "bGFpbgYFb3RoZXIJA2FiYwALCB8BAQFLADchPgABAP8MAggBCQIDZXZlbnQgMCB1c2VyPTg4NTQ0MCB4AQAEMyFA"
        "AUAASGQAAgFAABIxQABvNzk0NzcyQAAGU3h4ITYCQgCQyAEABAICCAEJAAAAAAQiTRhgQIJ7AAAA+wcCA2V2ZW50"
        "IDIgdXNlcj00MjQ1MCB4AQBCIUYDAAEAlKwCAAYDAggBCTgAEjM4AF41MzYxMTkACwIAMiE6BEcAaACQAwAIBEgA"
        "EjRIAG00MjQ2MDSBAGN4eHghPQU8AFj0AwAKBTwAEzU8AF45OTc0ODwAUHh4eHh4AAAAAA=="
    ),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_who_checks_itself_is_told(way: str, tmp_path: Path) -> None:
    path = written(tmp_path, b64decode(WRITTEN[way]))

    assert counted(path).digest == WHOLE
    assert checks_itself(path) is (not way.endswith("plain"))


@pytest.mark.parametrize("way", [way for way in WRITTEN if not way.endswith("plain")])
def test_no_byte_of_such_a_journal_can_be_another_one(way: str, tmp_path: Path) -> None:
    body = b64decode(WRITTEN[way])
    noticed = 0
    for at in range(len(body)):
        for bit in (1, 0x10, 0x80):
            spoilt = body[:at] + bytes([body[at] ^ bit]) + body[at + 1 :]
            path = written(tmp_path, spoilt)
            try:
                found = counted(path)
            except Damaged:
                noticed += 1
            else:
                assert found.digest == WHOLE or not checks_itself(path), f"{way} at {at}"
    assert noticed > 2 * len(body)


@pytest.mark.parametrize("codec", CODECS)
def test_what_has_no_checksum_is_not_taken_for_more(codec: str, tmp_path: Path) -> None:
    path = written(tmp_path, journal(4000, codec))

    assert checks_itself(path) is (codec == "gzip")


def test_one_frame_without_is_enough_to_say_no(tmp_path: Path) -> None:
    body = b64decode(WRITTEN["zstd-check"]) + journal(3, "zstd")

    assert not checks_itself(written(tmp_path, body))


def written(folder: Path, body: bytes) -> Path:
    path = folder / "journal"
    path.write_bytes(body)
    return path
