"""The configuration file: what it says, and everything that can be wrong with it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.config import Job, Limits, load
from bucketline.errors import ConfigError
from bucketline.settings import Environment, Keys, Remote, Secret

NOTHING = Environment({})
SECRET = "demo-secret-not-real"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def errors_of(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(path, NOTHING)
    return str(error.value).replace(f"{path}:", "").splitlines()


def test_no_file_says_nothing(path: Path) -> None:
    config = load(path, NOTHING)

    assert (config.path, dict(config.remotes), config.jobs) == (None, {}, {})


def test_an_empty_file_is_a_file(path: Path) -> None:
    path.write_text("")

    assert load(path, NOTHING).path == path


def test_it_becomes_remotes_jobs_and_limits(path: Path) -> None:
    path.write_text(
        "remotes:\n"
        "  minio:\n"
        "    endpoints: http://m:9000\n"
        "    path_style: true\n"
        "    access_key: demo-access\n"
        "    secret_key: {env: MINIO_SECRET}\n"
        "jobs:\n"
        "  nightly:\n"
        "    source: minio:a/\n"
        "    target: /copy\n"
        "    filters: [exclude: '*.tmp', include: 'a/**']\n"
        "limits: {workers: 8, bwlimit: 10M, max_delete: 5%}\n"
    )

    config = load(path, Environment({"MINIO_SECRET": SECRET}))

    assert config.remotes["minio"] == Remote(
        name="minio",
        endpoints=("http://m:9000",),
        path_style=True,
        keys=Keys("demo-access", Secret(SECRET)),
    )
    filters = (("exclude", "*.tmp"), ("include", "a/**"))
    assert config.jobs == {"nightly": Job("minio:a/", "/copy", filters=filters)}
    assert config.limits == Limits(workers="8", bwlimit="10M", max_delete="5%")
    assert config.lines["remotes.minio.path_style"] == 4


def test_every_error_is_told_at_once_in_the_order_of_the_file(path: Path) -> None:
    text = (
        "remotes:\n"
        "  minio:\n"
        "    endpoint: http://x\n"
        "    region: 5\n"
        "    verify_tls: no\n"
        "jobs:\n"
        "  n:\n"
        "    source: s3://a/\n"
        "limit: {}\n"
    )

    assert errors_of(path, text) == [
        "3:5: remotes.minio.endpoint: is not known; did you mean 'endpoints'?",
        "4:5: remotes.minio.region: must be text; put it in quotes",
        "5:5: remotes.minio.verify_tls: must be true or false; write one of them, without quotes",
        "7:3: jobs.n.target: is missing; add it",
        "9:1: limit: is not known; did you mean 'limits'?",
    ]


def test_a_section_with_nothing_in_it_says_nothing(path: Path) -> None:
    path.write_text("remotes:\njobs:\nlimits:\nmetrics:\nrings:\n")

    assert load(path, NOTHING).jobs == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "limits:\n  workers: 1\n  workers: 2\n",
            '3:3: found duplicate key "workers"; correct this line',
        ),
        ("limits: [1\n", "2:1: expected ',' or ']', but got '<stream end>'; correct this line"),
        ("- 1\n", "1:1: the file: must be a section; write NAME: lines under it"),
        (
            "remotes: {s3: {}}",
            "1:11: remotes.s3: s3: is not free as a name; choose another",
        ),
        (
            "remotes: {a b: {}}",
            "1:11: remotes.a b: is no name; use letters, digits, '_', '-' and '.'",
        ),
        (
            "remotes: {a: {endpoints: [http://x, ftp://y]}}",
            (
                "1:37: remotes.a.endpoints.1: ftp://y: not an endpoint; "
                "say https://host or http://host:port"
            ),
        ),
        (
            "remotes: {a: {profile: p, anonymous: true}}",
            "1:11: remotes.a: choose one of profile, access_key with secret_key, and anonymous",
        ),
        (
            "remotes: {a: {access_key: x}}",
            "1:11: remotes.a: access_key and secret_key go together; give both or neither",
        ),
        (
            "limits: {bwlimit: 10Q}",
            "1:10: limits.bwlimit: '10Q' is no size; write a number and K, M, G or T, as in 10M",
        ),
        (
            "jobs: {a: {source: x, target: y, filters: [includ: z]}}",
            "1:44: jobs.a.filters.0.includ: is not known; did you mean 'include'?",
        ),
    ],
)
def test_an_error_has_its_place_and_what_to_do(path: Path, text: str, expected: str) -> None:
    assert errors_of(path, text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        f"remotes: {{a: {{access_key: k, secret_key: {SECRET}}}}}",
        f"remotes: {{a: {{access_key: k, secret_key: {{env: {SECRET}}}}}}}",
        f"remotes: {{a: {{secret_keys: {SECRET}}}}}",
        f"remotes: {{a: {{endpoints: 'http://me:{SECRET}@host'}}}}",
        f"remotes:\n  a: {{secret_key: {SECRET}\n",
        f"remotes:\n  a: {{secret_key: *{SECRET}}}\n",
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(path: Path, text: str) -> None:
    assert SECRET not in "\n".join(errors_of(path, text))


def remote_with(path: Path, reference: str, **variables: str) -> Remote:
    path.write_text(f"remotes:\n  a: {{access_key: k, secret_key: {reference}}}\n  b: {{}}\n")
    return load(path, Environment(variables)).remotes["a"]


def test_a_secret_file_must_be_ours_alone(path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        remote_with(path, f"{{file: {secret}}}")

    secret.chmod(0o600)
    keys = remote_with(path, f"{{file: {secret}}}").keys
    assert keys == Keys("k", Secret(SECRET))


def test_a_secret_that_is_missing_is_named_with_its_place(path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        remote_with(path, "{env: NOT_SET}")

    assert str(error.value) == (
        f"{path}:2:3: remotes.a: the variable NOT_SET is not set; export it"
    )


def test_secrets_of_remotes_that_are_not_used_are_not_looked_up(path: Path) -> None:
    path.write_text("remotes:\n  a: {access_key: k, secret_key: {env: NOT_SET}}\n  b: {}\n")

    remotes = load(path, NOTHING).remotes

    assert "a" in remotes
    assert remotes["b"] == Remote(name="b")


def test_endpoints_may_be_several_each_with_an_address_to_send_from(path: Path) -> None:
    path.write_text(
        "remotes:\n"
        "  plain: {endpoints: [http://a, http://b], connections: 64}\n"
        "  wan:\n"
        "    endpoints:\n"
        "      - http://c\n"
        "      - {url: http://c, source_address: 10.0.0.7}\n"
        "    anonymous: true\n"
        "  one: {endpoints: {url: http://d, source_address: eth1}}\n"
    )

    remotes = load(path, NOTHING).remotes

    ends = {name: (r.endpoints, r.source_addresses) for name, r in remotes.items()}
    assert ends == {
        "plain": (("http://a", "http://b"), ()),
        "wan": (("http://c", "http://c"), ("", "10.0.0.7")),
        "one": (("http://d",), ("eth1",)),
    }
    assert remotes["plain"].connections == 64


def test_what_is_wrong_with_an_endpoint_is_told_where_it_stands(path: Path) -> None:
    text = (
        "remotes:\n"
        "  wan:\n"
        "    endpoints:\n"
        "      - {url: 'ftp://a', source_address: x}\n"
        "      - {url: 'http://a', source_adress: x}\n"
        "      - nowhere\n"
        "    connections: 0\n"
    )

    told = errors_of(path, text)

    assert [line.split(": ")[:2] for line in told] == [
        ["4:10", "remotes.wan.endpoints.0.url"],
        ["5:27", "remotes.wan.endpoints.1.source_adress"],
        ["6:9", "remotes.wan.endpoints.2"],
        ["7:5", "remotes.wan.connections"],
    ]
    assert "did you mean 'source_address'?" in told[1]
