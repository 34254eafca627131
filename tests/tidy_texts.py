"""The house rules for texts: words, links, and the map of the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

# Halves, so that this list does not find itself.
_BANNED = tuple(
    left + right
    for left, right in (
        ("py", "pi.org"),
        ("python", "hosted"),
        ("npm", "js.org"),
        ("crates", ".io"),
        ("/wo", "rk/"),
        ("/tmp", "/w/"),
        ("/ro", "ot/"),
        ("sub", "agent"),
        ("language", " model"),
        ("chat", "gpt"),
        ("clau", "de"),
        ("anthro", "pic"),
        ("co-auth", "ored-by"),
    )
)
_KEY_ID = re.compile(r"\bA[KS]IA(?![A-Z0-9]*EXAMPLE)[A-Z0-9]{16}\b")
_TODO = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b(?!\(#\d+\))")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_MODULE = re.compile(r"(?<![\w/])([a-z_0-9]+\.py)\b")


def words(path: str, text: str) -> Iterator[str]:
    """Nothing of a workplace, of a package registry or of somebody's to-do list."""
    lowered = text.lower()
    for word in _BANNED:
        if (at := lowered.find(word.lower())) >= 0:
            yield f"{path}:{text.count(chr(10), 0, at) + 1}: must not contain {word!r}"
    for match in _KEY_ID.finditer(text):
        yield f"{path}: must not contain an access key: {match.group()[:6]}…"
    for match in _TODO.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{path}:{line}: {match.group()} without an issue number, like {match.group()}(#12)"


def anchors(text: str) -> set[str]:
    """The names under which a page's headings can be linked to."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path, root: Path) -> Iterator[str]:
    """Every relative link leads to a file, and to a heading of it."""
    for target in _LINK.findall(_FENCE.sub("", page.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        place = page.relative_to(root)
        other = (page.parent / name).resolve() if name else page
        if not other.exists():
            yield f"{place}: links to {name}, which is not there"
        elif anchor and anchor not in anchors(other.read_text()):
            yield f"{place}: links to {target}, which has no such heading"


def mapped(architecture: str) -> set[str]:
    """The modules that the tree in ARCHITECTURE.md names, relative to src/bucketline.

    A line `name/ …` opens a folder, lines indented deeper are inside; `x.py` anywhere is a module.
    """
    block = architecture.split("## The tree", 1)[1].split("```")[1]
    folders: list[tuple[int, str]] = []
    found = set()
    for line in block.splitlines()[2:]:
        indent = len(line) - len(line.lstrip())
        if line.strip():
            while folders and folders[-1][0] >= indent:
                folders.pop()
        if opened := re.match(r"\s*([a-z0-9_]+)/", line):
            folders.append((indent, opened.group(1)))
        prefix = "".join(f"{name}/" for _, name in folders)
        found |= {prefix + name for name in _MODULE.findall(line)}
    return found


def map_gaps(architecture: str, modules: Sequence[str]) -> Iterator[str]:
    """The map shows what is there and nothing else; an `__init__.py` may be left out."""
    shown = mapped(architecture)
    for module in sorted(shown - set(modules)):
        yield f"ARCHITECTURE.md: {module} is in the tree and not on disk"
    for module in sorted(set(modules) - shown):
        if not module.endswith("__init__.py"):
            yield f"ARCHITECTURE.md: {module} is on disk and not in the tree"
