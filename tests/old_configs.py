"""Configurations of the old scripts, of every generation; their keys are nobody's."""

from __future__ import annotations

KEY, SECRET = "demo-access", "demo-secret-not-real"

STAGED_V5 = f"""\
source:
  bucket_name: "in-bucket"
  bucket_prefix: "data/"
  region: "snow"
  access_key: '{KEY}'
  secret_access_key: '{SECRET}'
local:
  directory: "temp_files_for_transfer/"
destination:
  bucket_name: "out-bucket"
  bucket_prefix: ""
  region: "us-east-1"
  access_key: '{KEY}'
  secret_access_key: '{SECRET}'
transfer_settings:
  max_size_to_transfer_src2l: 200
  max_size_to_transfer_l2dest: 200
  dest_endpoint_url: 'no_endpoint'
  src_endpoint_url: 'http://192.0.2.12:8080'
"""
STAGED_V12 = STAGED_V5.replace(
    "transfer_settings:",
    '  delete_staging_data: True\n  staging_volumes: ["default"]\ntransfer_settings:',
).replace("'http://192.0.2.12:8080'", "['https://192.0.2.12', 'https://192.0.2.13']")
STAGED_V12 += "  src_use_native_s3: True\n"


def direct_side(section: str, bucket: str, prefix: str, url: str, *more: str) -> str:
    lines = [
        f"{section}:",
        '  service: "AWS"',
        f'  bucket: "{bucket}"',
        f'  bucket_prefix: "{prefix}"',
        '  region: "us-east-1"',
        f"  access_key: '{KEY}'",
        f"  secret_access_key: '{SECRET}'",
        f"  endpoint_urls: ['{url}']",
        *more,
    ]
    return "\n".join(lines) + "\n"


DIRECT = (
    direct_side("src", "in-bucket", "data/moved", "https://192.0.2.12")
    + direct_side("dst", "out-bucket", "", "no_endpoint")
    + direct_side("log", "log-bucket", "logs", "no_endpoint", "  local_directory: 'logs'")
    + "deployment_location: 'edge-1'\n"
)
AZURE = 'src:\n  service: "AZURE"\n  access_key: "leave empty or just like this"\n' + direct_side(
    "dst", "out-bucket", "", "no_endpoint"
)
