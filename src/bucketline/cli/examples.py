"""Examples of each command, for its help and its man page."""

from __future__ import annotations

EXAMPLES = {
    "edge setup": ("bucketline edge setup ./edge-1",),
    "sync": (
        "bucketline sync s3://photos/ s3://copy/ --source-profile old --target-profile new",
        "bucketline sync ./reports/ s3://copy/reports/ --endpoint-url http://two.example:9000",
        "bucketline sync minio:photos/ /backup/photos/ --exclude '*.tmp' --dry-run",
        "bucketline sync s3://photos/ s3://copy/ --delete --max-delete 5%",
    ),
    "check": (
        "bucketline check s3://photos/ s3://copy/ --source-profile old --target-profile new",
        "bucketline check ./reports/ minio:copy/reports/ --compare checksum --report found.jsonl",
    ),
    "verify": (
        "bucketline verify last",
        "bucketline verify s3://copy/ --endpoint-url http://two.example:9000 --sample 1%",
    ),
    "proof save": ("bucketline proof save last -o july.proof",),
    "proof check": (
        "bucketline proof check july.proof --signer FINGERPRINT",
        "bucketline proof check july.proof --against s3://copy/ --read --sample 5%",
    ),
    "proof show": ("bucketline proof show july.proof photos/1.jpg -o one.proof",),
    "plan save": (
        "bucketline plan save s3://photos/ s3://copy/ --delete -o photos.plan",
        "bucketline plan save ./reports/ minio:copy/reports/ --exclude '*.tmp' -o reports.plan",
    ),
    "plan show": ("bucketline plan show photos.plan", "bucketline plan show photos.plan --all"),
    "plan export": (
        "bucketline plan export photos.plan --s3-batch photos.csv --job job.json --rest rest.plan",
    ),
    "volumes list": ("bucketline volumes list", "bucketline volumes list /dev/sdb --json"),
    "volumes plan": (
        "bucketline volumes plan /dev/sdb /dev/sdc --filesystem xfs --owner bucketline",
    ),
    "volumes reset": (
        "bucketline volumes reset /srv/bucketline/vol-11a33cd9 --dry-run",
        "bucketline volumes reset /srv/bucketline/vol-11a33cd9 --discard-staged 12-objects",
    ),
    "volumes prepare": ("bucketline volumes prepare --plan 7dac14534c4b01d1",),
    "plan apply": (
        "bucketline plan apply photos.plan",
        "bucketline plan apply photos.plan --skip-stale --bwlimit 50M",
    ),
    "thaw": (
        "bucketline thaw s3://archive/2019/ --tier Bulk --days 14 --dry-run --prices prices.json",
        "bucketline thaw s3://archive/2019/ --tier Bulk --days 14 --wait",
    ),
    "splunk plan": (
        "bucketline splunk plan s3://archive/ddss/ --index 'web*' --from 2024-05-01T00:00:00Z",
        "bucketline splunk plan s3://archive/ s3://smartstore/ --structure bucket_structure.json",
    ),
    "splunk run": (
        "bucketline splunk run s3://archive/ddss/ s3://smartstore/ --i-accept-unsupported \\",
        "    --splunk-url https://localhost:8089 --splunk-auth file:/etc/splunk-login --limit 1",
    ),
    "ring run": ("bucketline ring run DATA", "bucketline ring run DATA --memory 512MB --json"),
    "ring report": ("bucketline ring report DATA -o ring.html",),
    "ring reclaim": (
        "bucketline ring reclaim DATA",
        "bucketline ring reclaim DATA --approve HASH-OF-THE-PLAN",
    ),
    "ring undelete": ("bucketline ring undelete DATA --plan HASH-OF-THE-PLAN",),
    "ring export": ("bucketline ring export DATA", "bucketline ring export DATA --bucket photos"),
    "ls": (
        "bucketline ls s3://photos/2026/ --endpoint-url http://one.example:9000",
        "bucketline ls minio:photos/ --json",
    ),
    "doctor": (
        "bucketline doctor s3://copy/ --endpoint-url http://two.example:9000",
        "bucketline doctor minio:copy/ --write-probe scratch/",
    ),
    "runs show": ("bucketline runs show last", "bucketline runs show last --fate failed"),
    "runs errors": (
        "bucketline runs errors last",
        "bucketline runs errors last -o failed.jsonl",
        "bucketline sync s3://photos/ s3://copy/ --only failed.jsonl",
    ),
    "runs report": ("bucketline runs report last -o report.html",),
    "runs export": ("bucketline runs export last -o all.jsonl",),
    "config show": ("bucketline config show --origin",),
    "completion": (
        "bucketline completion bash > ~/.local/share/bash-completion/completions/bucketline",
    ),
}
