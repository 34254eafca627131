"""The bar that a person at a terminal sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

if TYPE_CHECKING:
    from bucketline.cli.progress import Moment


class Bar:
    """One bar, and one line under it that says the rest."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            _Words(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, words="looking")
        self._progress.start()

    def show(self, moment: Moment) -> None:
        self._progress.update(
            self._task,
            total=max(moment.found, moment.handled, 1),
            completed=moment.handled,
            words=str(moment),
        )

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


class _Words(TextColumn):
    """Text as it is: a key must not be taken for markup."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: object) -> Text:
        return Text(str(getattr(task, "fields", {}).get("words", "")), overflow="fold")
