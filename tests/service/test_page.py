"""The page in a real browser: what it shows, that it lives, and that keys stay text."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from desk import start
from faults.proxy import Exchange, FaultProxy
from faults.syncing import client_of
from servers import Endpoint
from service.serving import Service, call, environment, new_token, serving

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
def browser() -> Iterator[Browser]:
    if _CHROMIUM is None:
        said = "chromium is missing: apt-get install --no-install-recommends chromium"
        (pytest.fail if _MUST else pytest.skip)(said)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


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


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of its own; a fault of a script, or a breach of the policy, fails the test."""
    window = browser.new_context()
    page = window.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Policy" in said.text else None)
    yield page
    window.close()
    assert not wrong


def place(service: Service, fragment: str) -> str:
    return f"http://127.0.0.1:{service.port}/ui/#{fragment}"


def test_keys_of_strangers_stay_text(page: Page, service: Service, token: str) -> None:
    page.goto(place(service, f"token={token}/runs/last"))

    for key in _HOSTILE:
        expect(page.get_by_role("cell", name=key, exact=True)).to_be_visible()
    assert page.locator("img, #owned").count() == 0
    assert page.title() == "Bucketline"
    assert token not in page.url
    page.get_by_label("keys that begin with").fill("<img")
    page.get_by_label("keys that begin with").press("Enter")
    expect(page.get_by_role("cell", name=_HOSTILE[0], exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="${1}", exact=True)).to_have_count(0)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the proof").click()
    assert saved.value.suggested_filename.startswith("proof-")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("runs", "All runs (1)"),
        ("relays", "No relay has run"),
        ("backups", "No backup has run"),
        ("thaws", "Nothing was thawed"),
        ("rings", "has no rings"),
        ("jobs", "has no jobs"),
        ("rings/none", "no such ring"),
        ("runs/none", "there is no run"),
    ],
)
def test_every_page_says_what_is_there(
    name: str, words: str, page: Page, service: Service, token: str
) -> None:
    page.goto(place(service, f"token={token}/{name}"))

    expect(page.locator("main")).to_contain_text(words)


def test_all_of_it_is_reached_without_a_mouse(page: Page, service: Service, token: str) -> None:
    page.goto(place(service, ""))
    expect(page.get_by_label("Token, as")).to_be_focused()
    page.keyboard.type(token)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("All runs (1)")
    expect(page.locator("main")).to_be_focused()

    reached = []
    page.reload()
    expect(page.locator("main")).to_contain_text("All runs (1)")
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent"))
    names = ["Runs", "Relays", "Backups", "Thaws", "Rings", "Jobs", "Forget token"]
    assert reached[1:8] == names
    page.keyboard.press("Enter")  # The run, which is next.
    expect(page.locator("h2").first).to_contain_text(f"Run {reached[8]}")
    expect(page.locator("main")).to_be_focused()


def test_without_a_good_token_it_shows_nothing(page: Page, service: Service) -> None:
    page.goto(place(service, "token=bl_wrong/runs"))

    expect(page.get_by_text("That token is not taken")).to_be_visible()
    expect(page.locator("main")).to_be_empty()


@dataclass
class Held:
    """A sync whose objects arrive one by one, as they may."""

    words: tuple[str, ...]
    proxy: FaultProxy
    may_go: Semaphore

    def hold(self, exchange: Exchange) -> None:
        assert self.may_go.acquire(timeout=60)
        exchange.send(exchange.forward())


@pytest.fixture
def held(rclone: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", rclone.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", rclone.secret_key)
    bucket = f"watched-{os.getpid()}"
    client_of(rclone).create_bucket(Bucket=bucket)
    (tmp_path / "source").mkdir()
    for number in range(6):
        (tmp_path / "source" / f"{number}").write_bytes(b"x" * 100)
    with FaultProxy(rclone.url) as proxy:
        words = ("sync", str(tmp_path / "source"), f"s3://{bucket}/", "--endpoint-url", proxy.url)
        held = Held(words, proxy, Semaphore(0))
        proxy.add(held.hold, method="PUT")
        yield held
        held.may_go.release(99)


def test_it_follows_a_run_and_says_when_what_it_shows_is_old(
    page: Page, held: Held, tmp_path: Path
) -> None:
    """The service is killed in the middle, and comes back."""
    state, live, alert = (
        tmp_path / "state",
        page.locator(".running-run"),
        page.get_by_role("alert").first,
    )
    token = new_token(state)
    with serving(state, "--insecure-http") as service:
        page.goto(place(service, f"token={token}/runs"))
        expect(page.locator("main")).to_contain_text("Nothing runs now")
        with start(environment(state), *held.words) as sync:
            expect(live).to_contain_text("0 done", timeout=20_000)
            held.may_go.release(2)
            expect(live).to_contain_text("2 done", timeout=20_000)
            service.process.send_signal(signal.SIGKILL)
            service.process.wait()
            said = re.compile(r"No answer for \d+ s\. What is shown is old\.")
            expect(alert).to_have_text(said, timeout=20_000)
            expect(live).to_contain_text("2 done")  # It stays, and is old.
            with serving(state, "--insecure-http", "--port", str(service.port)):
                expect(alert).to_be_hidden(timeout=30_000)
                held.may_go.release(99)
                expect(page.locator("main")).to_contain_text("Nothing runs now", timeout=20_000)
                expect(page.locator("tbody tr").first).to_contain_text("complete")
            assert sync.wait(30) == 0


def test_browsers_run_only_what_the_service_gives(service: Service) -> None:
    names = ["", "page.css", *(f"{one}.js" for one in ("page", "made", "plot", "runs", "kinds"))]
    for name in names:
        told = service.ask(f"/ui/{name}")
        assert told.status == 200
        policy = told.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "innerHTML" not in told.body.decode()
    text = service.ask("/ui/").body.decode()
    assert "http" not in text
    assert "onclick" not in text
