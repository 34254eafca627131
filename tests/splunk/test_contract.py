"""What Splunk does, as far as a restore needs it: of the double, and of a real one if named.

Which one, `peer.py` says. What is asked and not answered so by a real Splunk is a mistake of the
double, and most likely one of the product.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bucketline.clock import SystemClock
from bucketline.engines.splunk.receipts import read
from bucketline.engines.splunk.remote import SmartStore
from bucketline.errors import BadCredentials
from bucketline.flow.drive import blocking
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.base import Store
from bucketline.stores.s3 import S3Store
from splunk.peer import IS_REAL, PREFIX, Peer

ATOM = "{http://www.w3.org/2005/Atom}"
DICT = "{http://dev.splunk.com/ns/rest}"
SEARCHED = "{http://a9.com/-/spec/opensearch/1.1/}"
NOBODY = f"{PREFIX}none~0~00000000-0000-4000-8000-000000000000"
PATIENCE_SECONDS = 120


def told(peer: Peer, path: str, **query: Any) -> dict[str, Any]:
    said = peer.ask("GET", path, output_mode="json", **query)
    assert said.status == 200, said.body
    assert said.headers["content-type"].startswith("application/json")
    found: dict[str, Any] = json.loads(said.body)
    return found


def messages(body: bytes) -> list[tuple[str, str]]:
    return [(one["type"], one["text"]) for one in json.loads(body)["messages"]]


def inspected(peer: Peer, index: str) -> list[dict[str, Any]]:
    form = {"search": f"| dbinspect index={index}", "exec_mode": "oneshot", "count": "0"}
    said = peer.ask("POST", "search/jobs", {**form, "output_mode": "json"})
    assert said.status == 200, said.body
    answer = json.loads(said.body)
    assert {"results", "messages", "preview"} <= answer.keys()
    rows: list[dict[str, Any]] = answer["results"]
    return rows


def one_event(peer: Peer, index: str) -> dict[str, Any]:
    """Sent, and its bucket as `dbinspect` tells it."""
    said = peer.ask("POST", "receivers/simple", {"event": "hello"}, index=index, sourcetype="t")
    assert said.status == 200, said.body
    found = awaited(lambda: [r for r in inspected(peer, index) if r["eventCount"] == "1"])
    row: dict[str, Any] = found[0]
    return row


def awaited(look: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return found


# How it speaks.


def test_a_collection_has_pages_of_30(peer: Peer) -> None:
    first = told(peer, "configs/conf-props")
    total = first["paging"]["total"]

    assert total > 30
    assert len(first["entry"]) == first["paging"]["perPage"] == 30
    assert first["paging"]["offset"] == 0
    rest = told(peer, "configs/conf-props", count=total, offset=30)
    assert len(rest["entry"]) == total - 30
    assert len(told(peer, "configs/conf-props", count=0)["entry"]) == total
    names = [one["name"] for one in first["entry"] + rest["entry"]]
    assert len({*names}) == total


def test_json_is_of_entries(peer: Peer) -> None:
    answer = told(peer, "server/info")

    assert {"links", "origin", "updated", "generator", "entry", "paging"} <= answer.keys()
    (entry,) = answer["entry"]
    assert {"name", "id", "updated", "links", "author", "acl", "content"} <= entry.keys()
    assert {"build", "version"} <= answer["generator"].keys()


def test_atom_is_what_comes_unless_json_is_asked_for(peer: Peer) -> None:
    said = peer.ask("GET", "server/info")

    assert said.headers["content-type"].startswith("text/xml")
    feed = ET.fromstring(said.body)
    assert feed.tag == f"{ATOM}feed"
    assert int(feed.findtext(f"{SEARCHED}totalResults") or 0) == 1
    keys = feed.findall(f"{ATOM}entry/{ATOM}content/{DICT}dict/{DICT}key")
    assert {"guid", "version", "startup_time"} <= {key.get("name") for key in keys}


def test_json_may_be_asked_for_in_the_form(peer: Peer) -> None:
    form = {"search": "| makeresults count=0", "exec_mode": "oneshot", "output_mode": "json"}

    assert json.loads(peer.ask("POST", "search/jobs", form).body)["results"] == []


@pytest.mark.parametrize("mode", ["json", "xml"])
def test_what_is_not_there_is_404_with_a_message(peer: Peer, mode: str) -> None:
    said = peer.ask("GET", f"data/indexes/{PREFIX}none", output_mode=mode)

    assert said.status == 404
    if mode == "json":
        ((kind, text),) = messages(said.body)
    else:
        found = ET.fromstring(said.body).find("messages/msg")
        assert found is not None
        kind, text = str(found.get("type")), str(found.text)
    assert kind == "ERROR"
    assert "ould not find object id=" in text


# Who asks.


def test_a_session_that_nobody_has_is_refused_without_a_challenge(peer: Peer) -> None:
    said = peer.ask("GET", "server/info", header="Splunk nobody", output_mode="json")

    assert said.status == 401
    assert messages(said.body) == [("WARN", "call not properly authenticated")]
    assert "www-authenticate" not in said.headers


def test_a_wrong_password_is_refused_with_one(peer: Peer) -> None:
    said = peer.ask("GET", "server/info", header="Basic bm86Ym9keQ==", output_mode="json")

    assert said.status == 401
    assert said.headers["www-authenticate"].startswith("Basic")


def test_a_login_that_fails_says_so(peer: Peer) -> None:
    form = {"username": "nobody", "password": "nothing"}

    said = peer.ask("POST", "auth/login", form, header="", output_mode="json")

    assert said.status == 401
    assert ("WARN", "Login failed") in messages(said.body)
    stranger = Peer(peer.url, "nobody:nothing", peer.ca_file, None, "").client()
    with pytest.raises(BadCredentials, match="Login failed"):
        blocking(stranger.info())


def test_a_session_may_be_a_bearer_too(peer: Peer) -> None:
    key = peer.header.partition(" ")[2]

    assert peer.ask("GET", "server/info", header=f"Bearer {key}").status == 200


def test_it_tells_what_a_user_may_do(peer: Peer) -> None:
    able = blocking(peer.client().capabilities())

    assert {"restart_splunkd", "search"} <= {*able}


# What it tells of itself.


def test_what_a_preflight_needs_of_a_server(peer: Peer) -> None:
    client = peer.client()
    info = blocking(client.info())

    assert len(info["guid"]) == 36
    assert int(info["version"].split(".")[0]) >= 8
    assert int(info["startup_time"]) > 0
    assert isinstance(info["server_roles"], list)
    assert abs(client.clock - time.time()) < 300
    assert blocking(client.started()) == str(info["startup_time"])


def test_what_a_plan_needs_of_an_index(peer: Peer) -> None:
    with peer.index() as name:
        found = blocking(peer.client().indexes())[name]

        assert found.home.endswith("/db")
        assert found.thawed.endswith("/thaweddb")
        assert Path(found.home).is_absolute()
        assert found.remote_path == ""
        assert found.frozen_seconds > 0
        assert (found.is_metric, found.is_disabled, found.is_ready) == (False, False, True)
        assert told(peer, f"data/indexes/{name}")["entry"][0]["name"] == name
    assert name not in blocking(peer.client().indexes())


def test_events_are_counted_by_bucket(peer: Peer) -> None:
    with peer.index() as name:
        assert inspected(peer, name) == []
        row = one_event(peer, name)

        index, number, guid = row["bucketId"].split("~")
        assert (index, len(guid)) == (name, 36)
        assert number.isdecimal()
        assert row["state"] in ("hot", "warm")
        query = f'| dbinspect index={name} | search bucketId IN ("{row["bucketId"]}")'
        assert [r["eventCount"] for r in blocking(peer.client().search(query))] == ["1"]


# The cache manager.


def test_a_bucket_that_it_does_not_know(peer: Peer) -> None:
    assert blocking(peer.client().cached(NOBODY)) is None
    for action in ("attach", "close", "evict"):
        path = f"admin/cacheman/bid%7C{NOBODY}%7C/{action}"
        assert peer.ask("POST", path, {"sid": NOBODY}, output_mode="json").status >= 400
        assert peer.ask("GET", path, output_mode="json").status >= 400


def test_an_upload_ends_with_a_receipt_that_holds(peer: Peer, request: Any) -> None:
    if not peer.volume:
        pytest.skip("SPLUNK_VOLUME names no remote volume")
    client = peer.client()
    path = blocking(client.volume(peer.volume)).rstrip("/") + "/"
    assert path.startswith("s3://")
    with peer.index(remotePath=f"volume:{peer.volume}/$_index_name") as name:
        assert blocking(client.indexes())[name].remote_path
        bid = one_event(peer, name)["bucketId"]
        rolled = peer.ask("POST", f"data/indexes/{name}/roll-hot-buckets", {}, output_mode="json")
        assert rolled.status == 200

        store, root = opened(path, request)
        place = SmartStore(store, f"{root}{name}/db/")
        held = awaited(lambda: blocking(place.look(bid)))

        assert held.flaw == ""
        guid = blocking(client.info())["guid"]
        assert blocking(place.proven(bid, guid, 1)) == ""
        text = blocking(store.read(f"{held.folder}receipt.json")).body
        assert bytes(text).endswith(b"}}\n")
        assert read(bytes(text)).path.startswith("db_")
        assert (blocking(client.cached(bid)) or {})["status"] == "local"
        listed = told(peer, "admin/cacheman", count=0)["entry"]
        assert f"bid|{bid}|" in [one["name"] for one in listed]


def opened(path: str, request: Any) -> tuple[Store, str]:
    """The volume, with the credentials of the environment if it is a real one."""
    bucket, _, root = path.removeprefix("s3://").partition("/")
    if not IS_REAL:
        return request.getfixturevalue("desk").store, root
    around = os.environ
    keys = Keys(around["AWS_ACCESS_KEY_ID"], Secret(around["AWS_SECRET_ACCESS_KEY"]))
    endpoint = around.get("AWS_ENDPOINT_URL", "")
    remote = Remote(
        endpoints=(endpoint,) if endpoint else (), region=around.get("AWS_REGION", ""), keys=keys
    )
    return S3Store(remote, bucket, clock=SystemClock()), root
