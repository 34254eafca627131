"""The table of commands: help, completion and the man pages are made of it."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One command, and where it lives; nothing of it is imported before it is called."""

    name: str
    home: str  # module:function
    help: str
    heading: str


MOVE, LOOK, SET_UP = "Move and prove", "Look", "Set up"

COMMANDS = (
    Row("sync", "sync:sync", "Make TARGET hold what SOURCE holds, and prove it.", MOVE),
    Row("check", "check:check", "Compare SOURCE with TARGET; change nothing.", MOVE),
    Row("relay", "", "Source -> volumes of an edge box -> target, through power cuts.", MOVE),
    Row("relay run", "relay.run:run", "Bring all of SOURCE to TARGET, for ever or once.", MOVE),
    Row("relay status", "relay.status:status", "Show how relays stand.", MOVE),
    Row("relay verify", "relay.verify:verify", "Look at what is staged, byte by byte.", MOVE),
    Row("relay repair", "relay.repair:repair", "Make lost ledgers of a relay anew.", MOVE),
    Row("relay reset", "relay.reset:reset", "Forget a relay and what it has staged.", MOVE),
    Row("verify", "verify:verify", "Prove again what was delivered.", MOVE),
    Row("proof", "", "Show others what was delivered.", MOVE),
    Row("proof save", "proof:save", "Write a signed proof of what was delivered.", MOVE),
    Row("proof check", "proof:check_proof", "Check a proof, anywhere.", MOVE),
    Row("proof show", "proof:show", "Take the proof of one object out of a proof.", MOVE),
    Row("plan", "", "Plans as files: look first, then do exactly that.", MOVE),
    Row("plan save", "plans.save:save", "Write down what a sync would do.", MOVE),
    Row("plan show", "plans.show:show", "Show what a plan file says.", MOVE),
    Row("plan export", "plans.export:export", "Make a job of it that S3 carries out.", MOVE),
    Row("plan apply", "plans.apply:apply", "Do exactly what a plan file says, or refuse.", MOVE),
    Row("backup", "backup.backup:backup", "Back SOURCE up into TARGET; delete nothing.", MOVE),
    Row("restore", "backup.restore:restore", "Bring back what a backup holds.", MOVE),
    Row("purge", "backup.purge:purge", "Let go of what was deleted for long.", MOVE),
    Row("drill", "backup.drill:drill", "Bring a sample of a backup back, and time it.", MOVE),
    Row("thaw", "thaw:thaw", "Have archived objects readable for a while.", MOVE),
    Row("splunk", "", "Archived buckets of Splunk back from S3.", MOVE),
    Row("splunk plan", "splunk.plan:plan", "Show what an archive holds and restoring takes.", MOVE),
    Row("ring", "", "Hold a storage ring against the metadata of S3.", LOOK),
    Row("ring run", "ring.phases:run", "All phases, one after the other.", LOOK),
    Row("ring doctor", "ring.doctor:doctor", "Find out whether a ring's services answer.", LOOK),
    Row("ring listkeys", "ring.phases:listkeys", "List every chunk of every node.", LOOK),
    Row("ring export", "ring.phases:export", "Export every reference of the metadata.", LOOK),
    Row("ring digest", "ring.phases:digest", "Compute where references lie on the ring.", LOOK),
    Row("ring filter", "ring.phases:filter_mains", "Count the copies of each main chunk.", LOOK),
    Row("ring orphans", "ring.phases:orphans", "Find data that nothing refers to.", LOOK),
    Row("ring missing", "ring.phases:missing", "Find references without sound data.", LOOK),
    Row("ring capacity", "ring.capacity:capacity", "Who holds how much of a ring.", LOOK),
    Row("ring report", "ring.report:report", "What was found, as a page with plots.", LOOK),
    Row("ring reclaim", "ring.reclaim:reclaim", "Plan to delete orphans, or do as planned.", LOOK),
    Row("ring undelete", "ring.reclaim:undelete", "Bring back what a plan has deleted.", LOOK),
    Row("splunk run", "splunk.run:run", "Bring archived buckets back into Splunk.", MOVE),
    Row("splunk status", "splunk.status:status", "Show what was restored.", MOVE),
    Row("splunk rebuild", "splunk.run:rebuild", "Fetch and rebuild archived buckets.", MOVE),
    Row("splunk upload", "splunk.run:upload", "Have Splunk upload what was rebuilt.", MOVE),
    Row("splunk check", "splunk.status:check", "Prove again what was uploaded.", MOVE),
    Row("splunk evict", "splunk.run:evict", "Free the disk of what is proven.", MOVE),
    Row("splunk export", "splunk.export:export", "Write archived events as JSON lines.", MOVE),
    Row("serve", "serve:serve", "Show it all over HTTPS: API and logs.", LOOK),
    Row("support-bundle", "support_bundle:support_bundle", "What a bug report needs.", SET_UP),
    Row("token", "", "Who may ask the service.", SET_UP),
    Row("token create", "token:create", "Make a token for the service.", SET_UP),
    Row("token list", "token:list_tokens", "List tokens, without their secrets.", SET_UP),
    Row("token revoke", "token:revoke", "End a token at once.", SET_UP),
    Row("ls", "ls:ls", "List what a location holds.", LOOK),
    Row("runs", "", "Look back at what was done.", LOOK),
    Row("runs list", "runs:list_runs", "List the runs, the last one first.", LOOK),
    Row("runs show", "runs:show", "Show one run.", LOOK),
    Row("runs errors", "runs:errors", "List what failed in a run, and what to do.", LOOK),
    Row("runs export", "runs:export", "Write every object's fate as JSON lines.", LOOK),
    Row("runs report", "runs_report:report", "Write a run as a page, or as JSON.", LOOK),
    Row("runs log", "runs_log:log", "Write a run's log in the old tools' shape.", LOOK),
    Row("runs prune", "runs:prune_runs", "Forget the oldest runs.", LOOK),
    Row("doctor", "doctor:doctor", "Find out what an endpoint can and cannot do.", LOOK),
    Row("volumes", "", "Disks for the relay.", SET_UP),
    Row("volumes list", "volumes.listing:list_devices", "List disks and what they hold.", SET_UP),
    Row("volumes plan", "volumes.plan:plan", "Plan what to make of empty disks.", SET_UP),
    Row("volumes prepare", "volumes.prepare:prepare", "Do exactly what a plan says.", SET_UP),
    Row("volumes reset", "volumes.reset:reset", "Empty the spools of volumes.", SET_UP),
    Row("edge", "", "Edge devices: from locked to in use.", SET_UP),
    Row("edge unlock", "edge.steps:unlock", "Unlock a device and fetch its keys.", SET_UP),
    Row("edge profile", "edge.steps:profile", "Make a device a profile of the AWS tools.", SET_UP),
    Row("edge configure", "edge.steps:configure", "Make it the client's default.", SET_UP),
    Row("edge setup", "edge.setup:setup", "From a locked device to one in use.", SET_UP),
    Row("edge status", "edge.status:status", "Show how a device stands.", SET_UP),
    Row("edge update", "edge.update:update", "Bring a device the newest software.", SET_UP),
    Row("edge reboot", "edge.setup:reboot", "Reboot a device and unlock it again.", SET_UP),
    Row("edge add-remote", "edge.setup:add_remote", "Name a device in the configuration.", SET_UP),
    Row("config", "", "Look at the configuration.", SET_UP),
    Row("config check", "config:check", "Say every error of the configuration.", SET_UP),
    Row("config show", "config:show", "Show what is in force, and where it comes from.", SET_UP),
    Row(
        "config import",
        "config_import:import_file",
        "Take over a configuration of the old transfer scripts.",
        SET_UP,
    ),
    Row("demo", "demo.command:demo", "See all of it on this machine in under a minute.", SET_UP),
    Row("completion", "completion:completion", "Print a shell's completion script.", SET_UP),
    Row("man", "man:man", "Write the man pages into a folder.", SET_UP),
)


def children(path: str) -> dict[str, Row]:
    """The commands right under `path` ("" is the program itself), by their last word."""
    depth = len(path.split()) + 1
    rows = (row for row in COMMANDS if row.name.startswith(path))
    return {
        row.name.split()[-1]: row
        for row in rows
        if len(row.name.split()) == depth and row.name.split()[:-1] == path.split()
    }
