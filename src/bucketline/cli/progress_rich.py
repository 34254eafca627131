"""The bar that a person at a terminal sees, or one for each hop of a relay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
from rich.text import Text

if TYPE_CHECKING:
    from bucketline.cli.progress import Moment


class Bar:
    """One bar, and one line under it that says the rest."""

    def __init__(self) -> None:
        self._progress = _progress(SpinnerColumn())
        self._task = self._progress.add_task("", total=None, words="looking")
        self._progress.start()

    def show(self, moment: Moment) -> None:
        self._progress.update(self._task, **_fields(moment))

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


class Screen:
    """A bar for each hop, for as long as there are hops, and what lies between them."""

    def __init__(self, hops: Sequence[str], between: Callable[[], Sequence[str]]) -> None:
        self._between = between
        self._progress = _progress(TextColumn("{task.description:8}"))
        self._hops = {hop: self._progress.add_task(hop, total=None, words="") for hop in hops}
        self._live = Live(
            get_renderable=self._render, console=self._progress.console, transient=True
        )
        self._live.start()

    def face(self, hop: str) -> Row:
        """Of one run of a hop."""
        return Row(self, hop)

    def show(self, hop: str, moment: Moment) -> None:
        if hop in self._hops:
            self._progress.update(self._hops[hop], **_fields(moment))

    def say(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._live.stop()

    def _render(self) -> Group:
        return Group(self._progress, *(Text(line, overflow="fold") for line in self._between()))


class Row:
    """The face of one run; what it showed last stays until the next one begins."""

    def __init__(self, screen: Screen, hop: str) -> None:
        self._screen = screen
        self._hop = hop

    def show(self, moment: Moment) -> None:
        self._screen.show(self._hop, moment)

    def say(self, text: str) -> None:
        self._screen.say(f"{self._hop}: {text}")

    def close(self) -> None:
        """The screen ends with the relay."""


def _progress(first: ProgressColumn) -> Progress:
    return Progress(
        first,
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%"),
        _Words(),
        console=Console(stderr=True),
        transient=True,
    )


def _fields(moment: Moment) -> dict[str, Any]:
    total = max(moment.found, moment.handled, 1)
    return {"total": total, "completed": moment.handled, "words": str(moment)}


class _Words(TextColumn):
    """Text as it is: a key must not be taken for markup."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: object) -> Text:
        return Text(str(getattr(task, "fields", {}).get("words", "")), overflow="fold")
