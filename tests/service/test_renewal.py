"""A certificate that is renewed while the service runs is the one that is shown."""

from __future__ import annotations

import os
import signal
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from bucketline.errors import DiskError
from bucketline.service.certificates import Files, own_certificate
from bucketline.service.renewal import Renewal
from service.serving import Service, new_token, serving

_NOW = 1_800_000_000.0
_DAY = 86_400.0


def shown(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=20)


def put(folder: Path, certificate: str, key: str) -> None:
    (folder / "a.pem").write_text(certificate)
    (folder / "a.key").write_text(key)


def made(folder: Path) -> tuple[str, str]:
    files = own_certificate(folder, ["localhost"], _NOW)
    return files.certificate.read_text(), files.key.read_text()


def hang_up(running: Service) -> str:
    """What it says of that."""
    os.kill(running.process.pid, signal.SIGHUP)
    assert running.process.stderr is not None
    return running.process.stderr.readline()


def test_a_hup_shows_the_new_one_and_never_a_bad_one(tmp_path: Path) -> None:
    old, new = made(tmp_path / "old"), made(tmp_path / "new")
    put(tmp_path, *old)
    new_token(tmp_path / "state", "--name", "one")
    words = ("--certificate", str(tmp_path / "a.pem"), "--key", str(tmp_path / "a.key"))
    with serving(tmp_path / "state", *words) as running:
        assert shown(running.port) == old[0]

        put(tmp_path, new[0], old[1])
        assert "of before is shown" in hang_up(running)
        assert shown(running.port) == old[0]

        put(tmp_path, *new)
        assert "is another one" in hang_up(running)
        assert shown(running.port) == new[0]


def test_ours_is_made_anew_before_its_end(tmp_path: Path) -> None:
    now, said = [_NOW], list[str]()
    renewal = Renewal(lambda: own_certificate(tmp_path, ["localhost"], now[0]), said.append)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(renewal.files.certificate, renewal.files.key)
    first = renewal.files.certificate.read_text()

    for days, is_same in ((300, True), (380, False)):
        now[0] = _NOW + days * _DAY
        renewal.look(context)
        assert (handed_out(context) == first) is is_same
    assert len(said) == 1


def test_what_cannot_be_used_is_said_once(tmp_path: Path) -> None:
    put(tmp_path, *made(tmp_path / "old"))
    said: list[str] = []
    renewal = Renewal(lambda: Files(tmp_path / "a.pem", tmp_path / "a.key"), said.append)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(renewal.files.certificate, renewal.files.key)

    (tmp_path / "a.pem").write_text("x")
    for _ in range(3):
        renewal.look(context)
    assert len(said) == 1
    with pytest.raises(DiskError, match="cannot be used"):
        Renewal(lambda: Files(tmp_path / "a.pem", tmp_path / "a.key"), said.append)


def handed_out(context: ssl.SSLContext) -> str:
    """What a client is shown by it."""
    told, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    back, seen = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    here = trusting.wrap_bio(told, sent)
    there = context.wrap_bio(seen, back, server_side=True)
    for _ in range(4):
        for side in (here, there):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
            seen.write(sent.read())
            told.write(back.read())
    body = here.getpeercert(binary_form=True)
    assert body is not None
    return ssl.DER_cert_to_PEM_cert(body)
