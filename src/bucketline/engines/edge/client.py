"""The vendor's client program: found, called without a shell, bounded in time.

The unlock code goes in by its prompts, into a profile of the client's own; so no command line,
which everybody on the machine can read, ever holds a secret.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from bucketline.errors import ServerFault, Unreachable, UsageError, printable
from bucketline.settings import Secret

NAME = "snowballEdge"
_SHOWN_MAX = 200


def find_client(said: str, path: str) -> str:
    """The program that was named, or the one on `path`. Raises `UsageError`."""
    found = shutil.which(said or NAME, path=path)
    if found is None:
        where = f"{printable(said)}: there is no such program" if said else f"{NAME}: not on PATH"
        raise UsageError(f"{where}; install the device's client, or name it with --client")
    return found


@dataclass
class Client:
    """One program; what it says never tells what was hidden here."""

    program: str
    timeout_seconds: float = 120.0
    _secrets: set[str] = field(default_factory=set, repr=False)

    def hide(self, *secrets: Secret) -> None:
        self._secrets |= {secret.reveal for secret in secrets if secret.reveal}

    def ask(self, *words: str, answers: Iterable[str] = ()) -> str:
        """What it prints; `answers` are for its prompts. Raises by cause."""
        command = words[0]
        typed = "".join(f"{line}\n" for line in answers).encode()
        try:
            child = subprocess.Popen(  # noqa: S603  Words, and no shell.
                [self.program, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # So that all of it can be ended, whatever it starts.
                umask=0o077,  # It writes the unlock code into a file of its own.
            )
        except OSError as error:
            said = f"{printable(self.program)}: cannot be run ({error.strerror})"
            raise UsageError(f"{said}; check --client") from None
        out, err = self._heard(child, command, typed)
        if child.returncode:
            said = self.shown(err.strip() or out)
            raise ServerFault(f"{NAME} {command}: {said} (exit code {child.returncode})")
        return out

    def _heard(self, child: subprocess.Popen[bytes], command: str, typed: bytes) -> tuple[str, str]:
        try:
            out, err = child.communicate(typed, timeout=self.timeout_seconds)
        except subprocess.TimeoutExpired:
            said = f"{NAME} {command}: no answer in {self.timeout_seconds:g} s"
            raise Unreachable(f"{said}; check the device and its network, run again") from None
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.communicate()
        return out.decode(errors="replace"), err.decode(errors="replace")

    def shown(self, text: str) -> str:
        """Its words on one line, without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "••••")
        return printable(" ".join(text.split()))[:_SHOWN_MAX] or "it says nothing"
