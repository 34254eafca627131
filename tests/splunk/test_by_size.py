"""An archive that tells no hash: what then shows that a journal is the one that was archived."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from botocore.client import Config

from servers import Endpoint
from splunk.injected import ended
from splunk.journals import journal
from splunk.site import ORIGIN, Site


@pytest.fixture
def sealed(site: Site, moto: Endpoint) -> Site:
    """Its etags are of what is encrypted."""
    site.splunk.add_index("web")
    return site


def put(site: Site, moto: Endpoint, codec: str) -> None:
    key = f"ddss/web/db_1651670907_1651669558_1_{ORIGIN}/rawdata/journal"
    s3 = boto3.client(
        "s3",
        endpoint_url=moto.url,
        aws_access_key_id=moto.access_key,
        aws_secret_access_key=moto.secret_key,
        region_name=moto.region,
        config=Config(request_checksum_calculation="when_required"),
    )
    s3.put_object(
        Bucket=site.desk.bucket, Key=key, Body=journal(50, codec), ServerSideEncryption="aws:kms"
    )
    copied = s3.head_object(Bucket=site.desk.bucket, Key=key)
    assert copied["ServerSideEncryption"] == "aws:kms"


@pytest.mark.parametrize("codec", ["zstd", "none"])
def test_what_only_its_size_shows_is_refused_unless_that_is_accepted(
    sealed: Site, moto: Endpoint, codec: str
) -> None:
    put(sealed, moto, codec)

    found = ended(sealed, code=1)

    assert "--accept-proof size" in found["message"]
    assert [*(sealed.splunk.home / "indexes/web/db").iterdir()] == []
    assert not (sealed.splunk.home / "called.jsonl").exists()
    taken = ended(sealed, "--accept-proof", "size", code=0)
    assert taken["state"] == "done"
    assert "tells no hash" in taken["message"]
    assert proof_of(sealed) == "size"


def test_a_journal_that_checks_itself_needs_nothing_else(sealed: Site, moto: Endpoint) -> None:
    put(sealed, moto, "gzip")

    found = ended(sealed, code=0)

    assert "message" not in found
    assert proof_of(sealed) == "codec-checksum"


def proof_of(site: Site) -> str:
    (path,) = Path(site.desk.state).glob("splunk-*/buckets/web/*.json")
    return str(json.loads(path.read_text())["proof"])
