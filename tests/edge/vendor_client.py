"""Stands in for the vendor's client of an edge device: a program of its own, with a state file.

It prints what the real one does: JSON with a space before and after colons, sentences, INI.
Delays are counted in calls, not seconds, so that tests wait for nothing. Faults are in the state:
`faults` names for a command what goes wrong: hang, garbage, exit, empty, array. `kills_at` is the
call after which whoever called is killed, before they hear of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

Fields = dict[str, Any]
Words = dict[str, str]

STATE = Path(os.environ["EDGE_STANDIN_STATE"])
PROFILES = Path(os.environ["HOME"], ".aws", "snowball", "config", "snowball-edge.config")
WHILE_LOCKED = {"describe-device", "unlock-device", "configure", "version", "reboot-device"}
WHILE_LOCKED |= {"describe-cluster", "unlock-cluster"}


def show(value: Fields) -> None:
    print(json.dumps(value, indent=2, separators=(",", " : ")).replace("[\n", "[ \n"))


def refuse(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    raise SystemExit(1)


def keep(state: Fields) -> None:
    """Whole, for whoever looks meanwhile."""
    part = STATE.with_name(f"{STATE.name}.{os.getpid()}")
    part.write_text(json.dumps(state))
    part.replace(STATE)


def profiles() -> Fields:
    if not PROFILES.exists():
        return {}
    known: Fields = json.loads(PROFILES.read_text())["profiles"]
    return known


def is_right(state: Fields, manifest: str, code: str) -> bool:
    same = Path(manifest).exists() and Path(manifest).read_text() == state["manifest"]
    return same and bool(code == state["code"])


def configure(state: Fields, options: Words) -> None:
    name = options.get("--profile", "default")
    print(f"Configuration will be stored at {PROFILES}")
    answers = []
    for prompt in ("Snowball Edge Manifest Path: ", "Unlock Code: ", "Default Endpoint: "):
        print(prompt, end="", flush=True)
        answers.append(sys.stdin.readline().strip())
    manifest, code, endpoint = answers
    if not is_right(state, manifest, code):
        refuse(f"The unlock code {code} does not match the manifest.")
    known = profiles()
    known[name] = {
        "name": name,
        "jobId": state["job"],
        "unlockCode": code,
        "manifestPath": manifest,
        "defaultEndpoint": endpoint,
        "isCluster": False,
        "deviceIps": [],
    }
    PROFILES.parent.mkdir(parents=True, exist_ok=True)
    PROFILES.write_text(json.dumps({"version": 1, "profiles": known}))


def describe_device(state: Fields, options: Words) -> None:
    if state["unlocking"] > 0:
        state["unlocking"] -= 1
        if not state["unlocking"]:
            state["state"] = "UNLOCKED"
    show(
        {
            "DeviceId": state["job"],
            "UnlockStatus": {"State": state["state"]},
            "ActiveNetworkInterface": {"IpAddress": state["address"]},
            "PhysicalNetworkInterfaces": [
                {
                    "PhysicalNetworkInterfaceId": "s.ni-0123456789abcdef0",
                    "PhysicalConnectorType": "RJ45",
                    "IpAddress": state["address"],
                    "DefaultGateway": "192.0.2.1",
                }
            ],
        }
    )


def node_of(state: Fields, options: Words) -> Fields | None:
    """The device of a cluster that is spoken to; None = it is a device by itself."""
    host = options.get("--endpoint", "").removeprefix("https://")
    return next((one for one in state["cluster"] if one["ip"] == host), None)


def describe_cluster(state: Fields, options: Words) -> None:
    devices = []
    for one in state["cluster"]:
        if one["unlocking"] > 0:
            one["unlocking"] -= 1
            one["state"] = "UNLOCKING" if one["unlocking"] else "UNLOCKED"
        elif one["state"] == "UNLOCKED":
            one["joined"] = "ASSOCIATED"
        devices.append(
            {
                "DeviceId": f"JID-{one['ip']}",
                "UnlockStatus": {"State": one["state"]},
                "ActiveNetworkInterface": {"IpAddress": one["ip"]},
                "ClusterAssociation": {"State": one["joined"], "ClusterId": "CID-1"},
                "NetworkReachability": {"State": one["reach"]},
            }
        )
    is_open = all(one["state"] == "UNLOCKED" for one in state["cluster"])
    state["state"] = "UNLOCKED" if is_open else "LOCKED"
    show({"ClusterId": "CID-1", "Devices": devices})


def unlock_cluster(state: Fields, options: Words) -> None:
    named = options["--device-ip-addresses"].split()
    if any(one["state"] != "LOCKED" for one in state["cluster"]):
        refuse("a device is not locked")
    for one in state["cluster"]:
        if one["ip"] in named:
            one.update(state="UNLOCKING", unlocking=state["unlock_calls"])
    print("Your cluster has begun unlocking.")


def unlock_device(state: Fields, options: Words) -> None:
    if node := node_of(state, options):
        node.update(state="UNLOCKING", unlocking=state["unlock_calls"])
    elif state["state"] == "LOCKED":
        state["state"], state["unlocking"] = "UNLOCKING", state["unlock_calls"]
    print("Your device has begun unlocking. Use describe-device; it is ready when UNLOCKED.")


def secret_of(state: Fields, options: Words) -> None:
    if options.get("--access-key-id") != state["access_key"]:
        refuse("no such access key")
    print("[snowballEdge]")
    print(f"aws_access_key_id = {state['access_key']}")
    print(f"aws_secret_access_key = {state['secret_key']}")


def certificates(state: Fields, options: Words) -> None:
    node = node_of(state, options)
    mine = node["ip"] if node else state["certificate_id"]
    arn = f"arn:aws:snowball-device:::certificate/{mine}"
    show({"Certificates": [{"CertificateArn": arn, "SubjectAlternativeNames": ["192.0.2.0"]}]})


def certificate(state: Fields, options: Words) -> None:
    node = node_of(state, options)
    mine = node["ip"] if node else state["certificate_id"]
    if not options.get("--certificate-arn", "").endswith(mine):
        refuse("no such certificate")
    print(node["pem"] if node else state["pem"])


def service(state: Fields, options: Words) -> None:
    name = options["--service-id"]
    if name not in state["services"]:
        refuse("no such service")
    show({"ServiceId": name, **state["services"][name]})


def software(state: Fields, options: Words) -> None:
    one = state["software"]
    if one["calls"] > 0:
        one["calls"] -= 1
    elif one["state"] == "Downloading":
        one["state"] = "DOWNLOADED"
    elif one["state"] == "Installing":
        one["state"] = "REQUIRES_REBOOT"
    print(f"Installed version : {one['installed']}")
    print(f"Installing version: {one['installing']}")
    print(f"Install State : {one['state']}")
    print(f"CertificateExpiry: {state['expiry']}")


def download_updates(state: Fields, options: Words) -> None:
    path = options["--uri"].removeprefix("file://")
    one = state["software"]
    said = Path(path).read_bytes().decode(errors="replace").strip()
    if not said.startswith("update "):
        refuse("The update is not valid.")
    version = said.removeprefix("update ")
    one.update(state="Downloading", installing=version, calls=1)
    print("Download has started. See describe-device-software.")


def install_updates(state: Fields, options: Words) -> None:
    if state["software"]["state"] != "DOWNLOADED":
        refuse("nothing to install")
    state["software"].update(state="Installing", calls=1)
    print("Installation has started.")


def reboot(state: Fields, options: Words) -> None:
    one = state["software"]
    state.update(state="LOCKED", unlocking=0, reboots=state["reboots"] + 1)
    if one["state"] == "REQUIRES_REBOOT":
        one["reboots"] += 1
        if one["reboots"] >= state["reboots_needed"]:
            one.update(state="NA", installed=one["installing"], installing="NA")
    print("The device is rebooting.")


COMMANDS: dict[str, Callable[[Fields, Words], None]] = {
    "configure": configure,
    "describe-device": describe_device,
    "unlock-device": unlock_device,
    "describe-cluster": describe_cluster,
    "unlock-cluster": unlock_cluster,
    "list-access-keys": lambda state, _: show({"AccessKeyIds": [state["access_key"]]}),
    "get-secret-access-key": secret_of,
    "list-certificates": certificates,
    "get-certificate": certificate,
    "list-services": lambda state, _: show({"ServiceIds": [*state["services"], "ec2"]}),
    "describe-service": service,
    "describe-device-software": software,
    "check-for-updates": lambda state, _: print(
        f"Latest version: {state['latest']}\nInstalled version: {state['software']['installed']}"
    ),
    "download-updates": download_updates,
    "install-updates": install_updates,
    "reboot-device": reboot,
}


def public(number: int) -> str:
    """What everybody on the machine can read of a process: its command line."""
    return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def spoil(fault: str) -> NoReturn:
    if fault == "hang":
        time.sleep(600)
    if fault == "exit":
        refuse(f"cannot do that: {json.loads(STATE.read_text())['secret_key']}")
    said = {"garbage": "<html>not me</html>", "empty": "", "array": "[]", "half": '{"Dev'}
    print(said[fault])
    raise SystemExit(0)


def authorise(state: Fields, options: Words) -> None:
    """By profile, or by the words of the command line."""
    if "--unlock-code" in options:
        manifest, code = options["--manifest-file"], options["--unlock-code"]
    else:
        profile = profiles().get(options.get("--profile", "default"))
        if profile is None:
            refuse("no such profile")
        manifest, code = profile["manifestPath"], profile["unlockCode"]
    if not is_right(state, manifest, code):
        refuse("The manifest or the unlock code is wrong.")


def main(words: list[str]) -> None:
    state = json.loads(STATE.read_text())
    command, rest = words[0], words[1:]
    options: Words = {}
    for word in rest:
        if word.startswith("--"):
            options[name := word] = ""
        else:  # Some have several values.
            options[name] = f"{options[name]} {word}".strip()
    state["calls"].append(words)
    state["shown"] += [public(os.getpid()), public(os.getppid())]
    keep(state)
    if fault := state["faults"].get(command):
        spoil(fault)
    if command != "configure":
        if state["asleep"] > 0:
            state["asleep"] -= 1
            keep(state)
            refuse("Could not connect to the device.")
        authorise(state, options)
        if state["state"] != "UNLOCKED" and command not in WHILE_LOCKED:
            refuse("The device is locked.")
    COMMANDS[command](state, options)
    keep(state)
    if len(state["calls"]) == state["kills_at"]:  # All is done, and nobody is told.
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(0)


main(sys.argv[1:])
