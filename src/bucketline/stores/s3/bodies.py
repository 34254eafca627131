"""Memory for large bodies: fresh pages cost more than what is done with the bytes in them."""

from __future__ import annotations

from io import BytesIO

_KEPT_MAX = 32 << 20  # Bytes of one body; larger ones are few.


class Bodies:
    """Memory that is used again as soon as nobody looks at what was last in it.

    Who gets a view of it need not say when he is done: Python counts the views.
    """

    def __init__(self) -> None:
        self._kept: list[BytesIO] = []

    def take(self) -> BytesIO:
        """Memory that nobody else uses, to be written from its start."""
        for number, memory in enumerate(self._kept):  # The first ones first, so that few grow.
            if _is_free(memory):
                del self._kept[number]
                memory.seek(0)
                return memory
        return BytesIO()

    def view(self, memory: BytesIO) -> memoryview:
        """What was written; the memory is used again when the view is gone."""
        view = memory.getbuffer()
        if len(view) <= _KEPT_MAX:
            self._kept.insert(0, memory)
        return view[: memory.tell()]


def _is_free(memory: BytesIO) -> bool:
    try:
        memory.write(b"")  # Refused as long as there is a view.
    except BufferError:
        return False
    return True
