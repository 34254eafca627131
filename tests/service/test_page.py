"""The page in a real browser: what it shows, and that keys of strangers stay text."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from service.serving import Service, call, new_token, serving

pytestmark = pytest.mark.slow
_HOSTILE = [
    "<img src=x onerror=document.title='owned'>",
    "\"'><b id=owned>",
    "${1}",
    "a&amp;b",
    "é/ü",
]
_CHROMIUM = shutil.which("chromium")
_MUST = bool(os.environ.get("BUCKETLINE_TEST_ALL"))


@pytest.fixture(scope="module")
def browser() -> str:
    if _CHROMIUM is None:
        said = "chromium is missing: apt-get install --no-install-recommends chromium"
        (pytest.fail if _MUST else pytest.skip)(said)
    assert _CHROMIUM is not None
    return _CHROMIUM


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("paged")
    for key in _HOSTILE:
        path = home / "source" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(key)
    call(home / "state", "sync", str(home / "source"), str(home / "target"))
    return home / "state"


@pytest.fixture(scope="module")
def token(state: Path) -> str:
    return new_token(state)


@pytest.fixture(scope="module")
def service(state: Path, token: str) -> Iterator[Service]:
    with serving(state, "--insecure-http") as service:
        yield service


class Dom(HTMLParser):
    """What the browser made of it: the text that shows, and the elements there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.names: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(browser: str, service: Service, fragment: str, home: Path) -> Dom:
    """The document, some seconds after it was opened."""
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *(f"--user-data-dir={home}", "--virtual-time-budget=4000"),
            f"http://127.0.0.1:{service.port}/ui/#{fragment}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return Dom(done.stdout)


def test_runs_are_shown(browser: str, service: Service, token: str, tmp_path: Path) -> None:
    dom = shown(browser, service, f"token={token}/runs", tmp_path)

    assert "All runs (1)" in dom.text
    assert "complete" in dom.text
    assert token not in dom.text


def test_keys_of_strangers_stay_text(
    browser: str, service: Service, token: str, tmp_path: Path
) -> None:
    dom = shown(browser, service, f"token={token}/runs/last", tmp_path)

    for key in _HOSTILE:
        assert key in dom.text
    assert "img" not in dom.names
    assert "owned" not in dom.ids


@pytest.mark.parametrize(("page", "words"), [("relays", "No relay"), ("jobs", "has no jobs")])
def test_the_other_pages(
    page: str, words: str, browser: str, service: Service, token: str, tmp_path: Path
) -> None:
    assert words in shown(browser, service, f"token={token}/{page}", tmp_path).text


def test_without_a_good_token_it_shows_nothing(
    browser: str, service: Service, tmp_path: Path
) -> None:
    dom = shown(browser, service, "token=bl_wrong/runs", tmp_path)

    assert "That token is not taken" in dom.text
    assert "All runs" not in dom.text


def test_browsers_run_only_what_the_service_gives(service: Service) -> None:
    for name in ("", "page.js", "page.css"):
        told = service.ask(f"/ui/{name}")
        assert told.status == 200
        policy = told.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
    page = service.ask("/ui/").body.decode()
    assert "http" not in page
    assert "onclick" not in page
