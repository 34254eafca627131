"""Several devices that are one: how all of them stand, as the state of the one that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bucketline.engines.edge.answers import Strange, record, state_of
from bucketline.engines.edge.device import State


class Node(NamedTuple):
    """One device of a cluster."""

    ip: str
    state: State
    why: str = ""  # It is of no use yet; "" = it answers, and belongs to the others.


def nodes(text: str) -> list[Node]:
    """What `describe-cluster` prints."""
    found = record(text).get("Devices")
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise Strange
    return [_node(one) for one in found]


def together(nodes: Sequence[Node], ips: Sequence[str]) -> tuple[State, str]:
    """The state of all, and who is the reason. A device that is broken for good holds all up: its
    owner takes it off the list.
    """
    known = {node.ip: node for node in nodes}
    if away := [ip for ip in ips if ip not in known or known[ip].state is State.AWAY]:
        return State.AWAY, f"{', '.join(away)}: not reachable"
    for state in (State.LOCKED, State.UNLOCKING):
        if some := [ip for ip in ips if known[ip].state is state]:
            return state, ", ".join(some)
    if lone := [f"{ip}: {known[ip].why}" for ip in ips if known[ip].why]:
        return State.UNLOCKING, ", ".join(lone)
    return State.UNLOCKED, ", ".join(ips)


def locked(nodes: Sequence[Node]) -> list[str]:
    """Those that wait for the unlock code."""
    return [node.ip for node in nodes if node.state is State.LOCKED]


def left_out(nodes: Sequence[Node], ips: Sequence[str]) -> list[str]:
    """Those that are locked although all that are listed are there: without them the cluster does
    not unlock. While one of these is missing, another address may be that one's new one.
    """
    if not {node.ip for node in nodes} >= set(ips):
        return []
    return [ip for ip in locked(nodes) if ip not in ips]


def _node(said: Mapping[str, Any]) -> Node:
    def told(where: str, word: str) -> str:
        found = said.get(where)
        return str(found.get(word) or "") if isinstance(found, Mapping) else ""

    ip = told("ActiveNetworkInterface", "IpAddress")
    if told("NetworkReachability", "State") not in {"", "REACHABLE"}:
        return Node(ip, State.AWAY)
    state = state_of(told("UnlockStatus", "State"))
    joined = told("ClusterAssociation", "State")
    return Node(ip, state, "" if joined == "ASSOCIATED" else f"is {joined or 'in no cluster'}")
