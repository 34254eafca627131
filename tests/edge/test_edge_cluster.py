"""Several devices that are one: unlocked together, and used through all of their addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bucketline.engines.edge.folder import open_folder
from bucketline.errors import ConfigError
from edge.standing_in import CODE, PEM, Bench
from servers import Endpoint

IPS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def node(ip: str) -> dict[str, Any]:
    pem = PEM.replace("MIIB", f"MIIB{ip[-1]}")
    fresh = {"state": "LOCKED", "unlocking": 0, "joined": "ASSOCIATING", "reach": "REACHABLE"}
    return {"ip": ip, "pem": pem, **fresh}


def settings(ips: object, endpoint: str = "https://192.0.2.1") -> str:
    return f"unlock_key: '{CODE}'\nendpoint_url: '{endpoint}'\ndevice_ips: {ips}\n"


@pytest.fixture
def bench(tmp_path: Path, rclone: Endpoint) -> Bench:
    found = Bench(tmp_path, rclone)
    found.settings(settings(list(IPS)))
    found.change(cluster=[node(ip) for ip in IPS])
    (found.home / "config.yaml").write_text("remotes: {}\n")
    return found


def storage(bench: Bench) -> dict[str, Any]:
    """S3 compatible storage: an address for objects on each device, of the one server here."""
    host, port = bench.server.url.removeprefix("http://").split(":")
    hosts = (host, "localhost")
    about = ("s3-snow object & bucket API endpoint", "s3-snow bucket API endpoint")
    endpoints = [
        {"Protocol": "http", "Port": int(port), "Host": one, "Description": about[0]}
        for one in hosts
    ]
    control = {"Protocol": "http", "Port": 1, "Host": "192.0.2.9", "Description": about[1]}
    return {"s3-snow": {"Status": {"State": "ACTIVE"}, "Endpoints": [control, *endpoints]}}


def change_node(bench: Bench, number: int, **words: str) -> None:
    cluster = bench.state["cluster"]
    cluster[number] |= words
    bench.change(cluster=cluster)


def test_all_of_them_are_unlocked_together_and_waited_for(bench: Bench) -> None:
    ended = bench.edge("unlock")

    assert bench.commands().count("unlock-cluster") == 1
    assert "unlock-device" not in bench.commands()
    states = {(one["state"], one["joined"]) for one in bench.state["cluster"]}
    assert states == {("UNLOCKED", "ASSOCIATED")}
    assert (bench.folder / "keys.yaml").exists()
    assert "unlock, write keys" in ended.stdout


def test_its_objects_are_reached_through_each_device(bench: Bench) -> None:
    bench.change(services=storage(bench))
    config = str(bench.home / "config.yaml")

    bench.edge("setup", "--config", config)

    text = (bench.home / "config.yaml").read_text()
    for host in ("127.0.0.1", "localhost"):
        assert f"http://{host}:" in text
    trust = (bench.folder / "ca-bundle.pem").read_text()
    assert [f"MIIB{ip[-1]}\n" in trust for ip in IPS] == [True] * 3
    again = bench.edge("setup", "--config", config)
    assert "nothing left to do" in again.stdout


@pytest.mark.slow
def test_one_that_was_rebooted_is_unlocked_alone(bench: Bench) -> None:
    bench.edge("unlock")
    change_node(bench, 1, state="LOCKED")

    bench.edge("unlock")

    assert bench.commands().count("unlock-cluster") == 1
    [words] = [words for words in bench.state["calls"] if words[0] == "unlock-device"]
    assert words[1:3] == ["--endpoint", "https://192.0.2.2"]
    assert {one["state"] for one in bench.state["cluster"]} == {"UNLOCKED"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"reach": "UNREACHABLE"}, "192.0.2.3: not reachable"),
        ({"ip": "192.0.2.7"}, "192.0.2.3: not reachable"),
    ],
)
def test_one_that_is_missing_is_named(bench: Bench, words: dict[str, str], said: str) -> None:
    change_node(bench, 2, **words)

    ended = bench.edge("unlock", "--wait", "0", code=4)

    assert said in ended.stderr
    assert "unlock-cluster" not in bench.commands()
    assert not (bench.folder / "keys.yaml").exists()


@pytest.mark.slow
def test_one_that_has_not_joined_is_named(bench: Bench) -> None:
    cluster = [node(ip) | {"state": "UNLOCKED", "joined": "ASSOCIATED"} for ip in IPS]
    cluster[0] |= {"joined": "ASSOCIATING", "unlocking": 1}
    bench.change(cluster=cluster)

    ended = bench.edge("unlock", "--wait", "0", code=4)

    assert "192.0.2.1: is ASSOCIATING" in ended.stderr


@pytest.mark.parametrize(
    ("ips", "said"),
    [
        ("192.0.2.1", "2 to 16"),
        (["192.0.2.1"], "2 to 16"),
        (["192.0.2.1", "192.0.2.1"], "each once"),
        (["192.0.2.1", "elsewhere"], "list of"),
        (["192.0.2.2", "192.0.2.3"], "none of device_ips"),
    ],
)
def test_a_list_that_cannot_be_is_refused(bench: Bench, ips: object, said: str) -> None:
    bench.settings(settings(ips))

    with pytest.raises(ConfigError, match=f"sbe_config.yaml: .*{said}"):
        open_folder(str(bench.folder))


def test_its_software_is_not_touched_as_a_whole(bench: Bench) -> None:
    ended = bench.edge("update", code=2)

    assert "one by one" in ended.stderr
    assert bench.commands() == []


def test_one_that_is_not_on_the_list_and_locked_is_named(bench: Bench) -> None:
    bench.settings(settings(list(IPS[:2])))

    ended = bench.edge("setup", code=2)

    assert "device_ips: 192.0.2.3 of the cluster is not there, and locked; add it" in ended.stderr
    assert bench.commands() == ["configure", "describe-cluster"]


@pytest.mark.slow
def test_an_answer_that_is_not_known_is_shown(bench: Bench) -> None:
    bench.change(faults={"describe-cluster": "array"})

    ended = bench.edge("unlock", code=5)

    assert "not understood: []" in ended.stderr
