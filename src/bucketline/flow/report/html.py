"""Pages for people: one file without a script, and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bucketline.errors import printable

_SHORT = 24
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:84em;padding:0 1em;"
    "color:#222;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:.5em 0 2em}"
    "th,td{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid #ddd;"
    "vertical-align:top;overflow-wrap:anywhere}"
    ".n{text-align:right}th,.n,.s{white-space:nowrap}td:not([class]){min-width:16em}"
    ".state{font-size:1.4em;font-weight:600}.complete{color:#176b2c}"
    ".failed,.crashed{color:#b00020}.waiting,.interrupted{color:#8a5a00}"
    ".warn{background:#fff3cd;padding:.6em}"
    "rect{fill:#3b6ea5}text{font:12px system-ui,sans-serif}"
)


def document(title: str, parts: Iterable[str]) -> str:
    """The whole page; the parts are HTML."""
    said = shown(title)
    head = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{said}</title><style>{_STYLE}</style><h1>{said}</h1>"
    )
    return head + "\n".join(parts) + "</html>\n"


def section(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Empty without rows."""
    found = list(rows)
    return f"<h2>{shown(title)}</h2>{table(heads, found)}" if found else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Numbers stand to the right, under their heads."""
    found = list(rows)
    kinds = map(_kind, found[0]) if found else [""] * len(heads)
    top = "".join(f"<th{kind}>{escape(head)}</th>" for head, kind in zip(heads, kinds, strict=True))
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in found)
    return f"<table>{f'<tr>{top}</tr>' if any(heads) else ''}{body}</table>"


def shown(text: str) -> str:
    """A stranger's text: neither markup nor control characters come through."""
    return escape(printable(text))


def _cell(value: object) -> str:
    said = f"{value:,}" if isinstance(value, int) else shown(str(value))
    return f"<td{_kind(value)}>{said}</td>"


def _kind(value: object) -> str:
    """What is short is not broken into lines."""
    if isinstance(value, int):
        return ' class="n"'
    return ' class="s"' if len(str(value)) <= _SHORT else ""
