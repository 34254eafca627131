"""How the stand-in for Splunk answers whoever does not ask for JSON."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:s="http://dev.splunk.com/ns/rest"'
    ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
)


def feed(status: int, told: Any) -> bytes:
    """Entries, or messages."""
    if status >= 300:
        said = f'<msg type="ERROR">{escape(str(told))}</msg>'
        return f"<response><messages>{said}</messages></response>".encode()
    entries = told if isinstance(told, list) else []
    text = "".join(
        f'<entry><title>{escape(name)}</title><content type="text/xml">{_value(content)}</content>'
        "</entry>"
        for name, content in entries
    )
    total = f"<opensearch:totalResults>{len(entries)}</opensearch:totalResults>"
    return f"{_HEAD}{total}{text}</feed>".encode()


def _value(said: Any) -> str:
    if isinstance(said, dict):
        keys = (f"<s:key name={quoteattr(str(k))}>{_value(v)}</s:key>" for k, v in said.items())
        return f"<s:dict>{''.join(keys)}</s:dict>"
    if isinstance(said, list):
        return f"<s:list>{''.join(f'<s:item>{_value(one)}</s:item>' for one in said)}</s:list>"
    return escape(str(int(said)) if isinstance(said, bool) else str(said))
