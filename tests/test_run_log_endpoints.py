"""What a run's log tells of endpoints, in the words of the old logs of networks."""

from __future__ import annotations

from pathlib import Path

from bucketline.stores.beyond import EndpointCount
from story import Story, chosen


def test_what_each_endpoint_did_in_the_words_of_the_old_logs(tmp_path: Path) -> None:
    story = Story(tmp_path)
    good = EndpointCount("http://a:1", 9, 1, 100, 0, 0, 0.0)
    shaky = EndpointCount("http://b:1", 9, 8, 100, 0, 2, 7.25)
    dead = EndpointCount("http://c:1", 3, 3, 0, 0, 1, 60.0)
    unasked = EndpointCount("http://d:1", 0, 0, 0, 0, 0, 0.0)
    sides = {"source": (good, shaky, dead, unasked), "target": (dead,)}
    counts = [(side, count) for side, some in sides.items() for count in some]
    story.ledger.endpoints.count("run-1", counts, 0)
    story.over("complete")

    log = story.log()

    words = ("urls_failed", "urls_succeeded")
    source, target = (
        chosen(log, *(f"{side}_endpoint_{word}" for word in words)) for side in ("src", "dst")
    )
    assert source == [["http://c:1"], ["http://a:1", "http://b:1"]]
    assert target == [["http://c:1"], []]
    status = "endpoints_operational_status"
    assert chosen(log, f"src_{status}", f"dst_{status}") == ["degraded", "critical"]
    assert log["src_endpoints"][1]["times_opened"] == 2


def test_a_side_whose_endpoints_all_answered_is_operational(tmp_path: Path) -> None:
    story = Story(tmp_path)
    good = EndpointCount("http://a:1", 9, 1, 100, 0, 0, 0.0)
    story.ledger.endpoints.count("run-1", [("source", good)], 0)
    story.over("complete")

    log = story.log()

    assert log["src_endpoints_operational_status"] == "operational"
    assert "dst_endpoints_operational_status" not in log
