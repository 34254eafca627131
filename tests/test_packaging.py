"""What leaves the clone works outside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from bucketline import __version__

ROOT = Path(__file__).resolve().parent.parent
SETS = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def call(*words: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    around = {"PATH": os.environ["PATH"], "HOME": str(cwd), **variables}
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=around,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def locked(name: str) -> dict[str, str]:
    """Each distribution of a locked set and its version."""
    lines = (SETS / f"{name}.txt").read_text().splitlines()
    pins = (line.split(" ")[0].split("==") for line in lines if "==" in line.split(" ")[0])
    return {name.partition("[")[0]: version for name, version in pins}


def plain(requirement: str) -> str:
    name = requirement.partition(">")[0].partition("[")[0]
    return name.lower().replace(".", "-").replace("_", "-")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    built = call(sys.executable, "-m", "hatchling", "build", "-twheel", "-d", tmp_path, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    return next(tmp_path.glob("*.whl"))


@pytest.mark.slow
def test_a_wheel_works_outside_the_clone(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    call(sys.executable, "-m", "venv", venv, cwd=tmp_path)
    python = venv / "bin" / "python"
    call(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # What it depends on is lent from here; a clone installed here as editable is not.
    lent = [path for path in sys.path if path.endswith("site-packages")]
    site = next((venv / "lib").glob("python*/site-packages"))
    (site / "lent.pth").write_text("\n".join(lent))

    ended = call(venv / "bin" / "bucketline", "--version", cwd=tmp_path)
    where = call(python, "-c", "import bucketline; print(bucketline.__file__)", cwd=tmp_path)

    assert ended.stdout == f"bucketline {__version__}\n", ended.stderr
    assert Path(where.stdout.strip()).is_relative_to(venv)


@pytest.mark.slow
def test_the_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    tops = {name.split("/")[0] for name in names}
    assert tops == {"bucketline", f"bucketline-{__version__}.dist-info"}
    assert f"bucketline-{__version__}.dist-info/licenses/LICENSE" in names


@pytest.mark.parametrize("name", ["runtime", "demo", "dev", "spark", "spark-build"])
def test_a_locked_set_has_a_hash_for_everything_and_names_no_host(name: str) -> None:
    text = (SETS / f"{name}.txt").read_text()
    entries = text.replace("\\\n", " ").splitlines()

    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_the_sets_agree_on_every_version() -> None:
    for name in ("runtime", "demo"):
        assert locked(name).items() <= locked("dev").items()


def test_the_sets_hold_what_the_project_asks_for() -> None:
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    runtime = {plain(text) for text in project["dependencies"]}
    demo = runtime | {plain(text) for text in project["optional-dependencies"]["demo"]}
    dev = demo | {plain(text) for text in groups["dev"] if isinstance(text, str)}

    assert runtime <= locked("runtime").keys()
    assert demo <= locked("demo").keys()
    assert dev <= locked("dev").keys()


@pytest.mark.parametrize(
    ("system", "machine", "line"),
    [
        ("MINGW64_NT-10.0", "x86_64", "bucketline: Windows is not supported; use Linux"),
        ("Darwin", "arm64", "bucketline: Darwin is not supported; use Linux on x86-64 or arm64"),
        ("Linux", "riscv64", "bucketline: riscv64 is not supported; use Linux on x86-64 or arm64"),
    ],
)
def test_what_is_not_supported_is_refused_in_one_line(
    system: str, machine: str, line: str, tmp_path: Path
) -> None:
    uname = tmp_path / "uname"
    uname.write_text(f'#!/bin/sh\n[ "$1" = -s ] && echo "{system}" || echo "{machine}"\n')
    uname.chmod(0o755)
    check = f". {SETS}/install.sh; check_system"

    ended = call("sh", "-c", check, cwd=tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert (ended.returncode, ended.stderr) == (2, line + "\n")


def test_an_unknown_part_of_the_tests_is_named_with_those_there_are(tmp_path: Path) -> None:
    script = (
        (ROOT / "test").read_text().split("case ")[0].replace('"$(dirname -- "$0")"', f'"{ROOT}"')
    )

    ended = call("sh", "-c", script + "\npart nonsense", cwd=tmp_path)

    assert ended.returncode == 2
    assert "no tests called nonsense; there are: all soak house transfer" in ended.stderr
    assert "tidy" in ended.stderr
