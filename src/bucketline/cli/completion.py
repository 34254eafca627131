"""`bucketline completion`: the shells' completion scripts."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from bucketline.cli.app import COMPLETE, NAME, program
from bucketline.cli.invocation import Invocation, pass_invocation

_SHELLS: dict[str, type[ShellComplete]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}


@click.command
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@pass_invocation
def completion(invocation: Invocation, shell: str) -> None:
    """For bash, put it into ~/.local/share/bash-completion/completions/bucketline."""
    script = _SHELLS[shell](program, {}, NAME, COMPLETE)
    # Not `source()`: it would ask the bash of this machine for its version.
    invocation.printer.result((script.source_template % script.source_vars()).strip())
