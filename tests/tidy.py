"""The house rules as pure functions: a source text in, complaints out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property

# Imports go down only. `engines` are islands besides: none imports another.
LAYERS = (
    "model",
    "errors",
    "clock",
    "sizes",
    "arns",
    "timetable",
    "attribute_words",
    "durable",
    "settings",
    "locations",
    "config",
    "stores",
    "flow",
    "engines",
    "service",
    "cli",
    "library",
    "compat",
    "service",
    "__main__",
)
ISLANDS = "engines"

# One home per outside thing. Patterns are relative to src/bucketline.
MODULE_HOMES = {
    "pycurl": ("stores/s3/wire.py",),
    "apsw": ("flow/ledger/*",),
    "sqlite3": (),
    "botocore": ("stores/s3/credentials.py",),
    "awscrt": ("stores/digests.py",),
    "cryptography": (
        "flow/proof/signing.py",
        "stores/s3/sign_regions.py",
        "service/certificates.py",
    ),
    "boto3": (),
    "requests": (),
    "httpx": (),
    "urllib.request": (),
    "http.client": (),
    "asyncio": ("service/running.py", "service/impatience.py"),
    "anyio": ("service/*",),
    "starlette": ("service/*",),
    "subprocess": (
        "cli/hooks.py",
        "cli/demo/children.py",
        "cli/hands.py",
        "engines/edge/client.py",
        "service/jobs.py",
        "engines/volumes/tool.py",
        "engines/splunk/tool.py",
        "compat/s3backuprestore/crew.py",
    ),
    "multiprocessing": ("compat/*",),
    "click": ("cli/*", "library.py"),
    "rich": ("cli/*",),
    "pydantic": ("config/*",),
    "ruamel": ("config/*",),
    "yaml": (),
    "logging": (),
    "duckdb": ("flow/query/*",),
    "pyspark": ("flow/query/*", "flow/cluster.py"),
}
NAME_HOMES = {
    "os.environ": ("settings.py",),
    "os.getenv": ("settings.py",),
    "time.time": ("clock.py",),
    "time.time_ns": ("clock.py",),
    "time.sleep": ("clock.py",),
    "datetime.now": ("clock.py",),
    "datetime.utcnow": ("clock.py",),
    "datetime.datetime.now": ("clock.py",),
    "os.system": (),
    "os.popen": (),
    "os.fork": (),
    "print": ("cli/*",),
    "sys.stdout": ("cli/*", "compat/s3backuprestore/owner.py"),  # A pipe to who started it.
    "sys.stderr": ("cli/*",),
    "sys.exit": ("cli/*", "compat/s3backuprestore/owner.py", "__main__.py"),
    "breakpoint": (),
}
# An import inside a function hides a dependency. These may, because …
LAZY = {
    "cli/*": "a command loads what it needs when it runs: --help stays under 100 ms",
    "stores/__init__.py": "a run opens two stores and pays for no other",
    "stores/s3/credentials.py": "botocore takes half a second; static keys do not need it",
    "stores/digests.py": "awscrt takes 50 ms; only stores that answer its checksums need it",
    "stores/s3/signers.py": "only multi-region access points need cryptography",
    "config/__init__.py": "a run without a config file pays for neither pydantic nor ruamel",
}
# The few places that may catch everything: they turn it into a fate, or carry it elsewhere.
BROAD = (
    "flow/cluster.py",
    "flow/drive.py",
    "flow/workers.py",
    "flow/run/loop.py",
    "flow/run/feed.py",
    "flow/look/listing.py",
    "flow/report/log_keeper.py",
    "stores/throttle.py",
    "cli/*",
)

BODY_LINES_MAX = 40
FILE_LINES_MAX = 300
PARAMETERS_MAX = 7
COLUMNS_MAX = 100

_NAMES = re.compile(r"(Manager|Helper|Utils?|Impl)$|^(src|dst|utils?|helpers?|src_.*|dst_.*)$")


@dataclass(frozen=True)
class Source:
    """A Python file of the product; `path` is relative to src/bucketline."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def layer(self) -> str:
        return self.path.split("/")[0].removesuffix(".py")

    def lives_in(self, homes: tuple[str, ...]) -> bool:
        return any(fnmatch(self.path, home) for home in homes)


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every imported name in full: `from a import b` is a.b, as b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def layers(source: Source) -> Iterator[str]:
    """Imports go down only, and engines are islands."""
    if source.path == "__init__.py":
        return
    if source.layer not in LAYERS:
        yield f"{source.path}: belongs to no layer; there are {', '.join(LAYERS)}"
        return
    for line, name in _imports(source.tree):
        package, _, rest = name.partition(".")
        if not package:
            yield f"{source.path}:{line}: a relative import; write bucketline.…"
        layer = rest.split(".")[0]
        if package != "bucketline" or layer not in LAYERS:
            continue
        if LAYERS.index(layer) > LAYERS.index(source.layer):
            yield f"{source.path}:{line}: {source.layer} imports {layer}, which is above it"
        elif layer == source.layer == ISLANDS and _island(rest) not in ("", _island(source.path)):
            yield f"{source.path}:{line}: an engine imports another: {name}"


def _island(place: str) -> str:
    parts = re.split(r"[/.]", place.removesuffix(".py"))
    return parts[1] if len(parts) > 1 else ""


def homes(source: Source) -> Iterator[str]:
    """Each outside thing has one home."""
    for line, name in _imports(source.tree):
        for module, allowed in {**MODULE_HOMES, **NAME_HOMES}.items():
            is_it = name == module or name.startswith(module + ".")
            if is_it and not source.lives_in(allowed):
                yield f"{source.path}:{line}: imports {name}; its home is {allowed or 'nowhere'}"
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        used = _dotted(node)
        if used in NAME_HOMES and not source.lives_in(NAME_HOMES[used]):
            home = NAME_HOMES[used] or "nowhere"
            yield f"{source.path}:{node.lineno}: uses {used}; its home is {home}"


def lazy_imports(source: Source) -> Iterator[str]:
    """Imports stand at the top, but for the list above."""
    if source.lives_in(tuple(LAZY)):
        return
    for function in _functions(source.tree):
        for line, name in _imports(function):
            yield f"{source.path}:{line}: imports {name} inside {function.name}()"


def broad_excepts(source: Source) -> Iterator[str]:
    """Whoever catches everything hides something, unless it is raised again at the end."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler) or source.lives_in(BROAD):
            continue
        is_broad = node.type is None or _dotted(node.type) in ("Exception", "BaseException")
        last = node.body[-1]
        if is_broad and not (isinstance(last, ast.Raise) and last.exc is None):
            yield f"{source.path}:{node.lineno}: catches everything"


def sizes(source: Source) -> Iterator[str]:
    """A thing too big is two things."""
    lines = source.text.splitlines()
    if len(lines) > FILE_LINES_MAX:
        yield f"{source.path}: {len(lines)} lines, more than {FILE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield f"{source.path}:{number}: {len(line)} columns, more than {COLUMNS_MAX}"
    for function in _functions(source.tree):
        place = f"{source.path}:{function.lineno}: {function.name}()"
        if (body := _body_lines(function)) > BODY_LINES_MAX:
            yield f"{place} has {body} lines, more than {BODY_LINES_MAX}"
        if (count := _parameters(function)) > PARAMETERS_MAX:
            yield f"{place} has {count} parameters, more than {PARAMETERS_MAX}"


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    named = [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in named if name not in ("self", "cls")])


def docstrings(source: Source) -> Iterator[str]:
    """A module says its one job in its first line."""
    first = (ast.get_docstring(source.tree) or "").split("\n")[0]
    if not first.endswith((".", ":", "?")):
        yield f"{source.path}: the first line of its docstring must say its job, and end"


def names(source: Source) -> Iterator[str]:
    """Words of the glossary: source and target, and nothing that could be anything."""
    stem = source.path.rsplit("/", 1)[-1].removesuffix(".py")
    if _NAMES.search(stem):
        yield f"{source.path}: a module called {stem}"
    for node in ast.walk(source.tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                pass
            case _:
                continue
        if _NAMES.search(name):
            yield f"{source.path}:{node.lineno}: a thing called {name}"
