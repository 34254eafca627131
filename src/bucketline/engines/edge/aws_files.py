"""A device as a profile of the AWS tools: their two files, whose other lines stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from configparser import Error, RawConfigParser
from pathlib import Path

from bucketline.durable import replace_file
from bucketline.engines.edge.folder import ordinary
from bucketline.errors import ConfigError, Refused
from bucketline.settings import Environment, Keys

Said = Mapping[str, str | Mapping[str, str]]
_HEAD = re.compile(r"\[\s*([^\]]*?)\s*\]")
_WORD = re.compile(r"([A-Za-z0-9_]+)\s*[=:]")
_DEVICE_REGION = "snow"
_OTHERS = ("role_arn", "source_profile", "sso_session", "sso_start_url", "credential_process")
_USUAL = "when_required"  # Checksums and chunks that a client adds by itself break devices.


class AwsFiles:
    """The two files, as they are and as they should be."""

    def __init__(self, environment: Environment) -> None:
        folder = Path(environment.home, ".aws")
        config = environment.first("AWS_CONFIG_FILE") or str(folder / "config")
        keys = environment.first("AWS_SHARED_CREDENTIALS_FILE") or str(folder / "credentials")
        self.config = Path(config).expanduser().resolve()  # A link stays a link.
        self.credentials = Path(keys).expanduser().resolve()

    def has(self, name: str, keys: Keys, config: Said, services: Said) -> bool:
        """Whether nothing is left to write."""
        return not list(self._changed(name, keys, config, services))

    def write(self, name: str, keys: Keys, config: Said, services: Said) -> None:
        """Both files are read and understood before one is written. Raises `Refused` where the name
        is another profile's: its secret key may be kept nowhere else.
        """
        if self._is_others(name, keys):
            raise Refused(
                f"{self.config}: profile {name} is not this device's; rename the device's folder"
            )
        for path, text in list(self._changed(name, keys, config, services)):
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
            replace_file(path, text, mode if path == self.config else mode & 0o600)

    def _is_others(self, name: str, keys: Keys) -> bool:
        """A device's profile is told by its region, which is none of AWS, or by its services."""
        about = _section_of(self.config, f"profile {name}")
        if any(word in about for word in _OTHERS):
            return True
        holder = _section_of(self.credentials, name).get("aws_access_key_id", keys.access_key)
        is_devices = about.get("services") == name or about.get("region") == _DEVICE_REGION
        return holder != keys.access_key and not is_devices

    def _changed(
        self, name: str, keys: Keys, config: Said, services: Said
    ) -> Iterator[tuple[Path, str]]:
        pair: Said = {
            "aws_access_key_id": keys.access_key,
            "aws_secret_access_key": keys.secret_key.reveal,
        }
        wanted: dict[Path, dict[str, Said]] = {  # What tells whose it is comes first.
            self.config: {f"profile {name}": config, f"services {name}": services},
            self.credentials: {name: pair},
        }
        for path, sections in wanted.items():
            text = fresh = _text_of(path)
            for head, said in sections.items():
                fresh = with_section(fresh, head, said)
            if fresh != text:
                yield path, fresh


def profile_words(name: str, region: str, trust: str) -> dict[str, str]:
    """What the section of the profile says; its endpoint is in a section of services."""
    said = {
        "region": region,
        "output": "json",
        "services": name,
        "request_checksum_calculation": _USUAL,
        "response_checksum_validation": _USUAL,
    }
    return {**said, "ca_bundle": trust} if trust else said


def with_section(text: str, name: str, said: Said) -> str:
    """The text with these words in this section; all other lines byte by byte as they were."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    heads = [(number, head[1]) for number, line in enumerate(lines) if (head := _HEAD.match(line))]
    start = next((number for number, head in heads if " ".join(head.split()) == name), None)
    if start is None:
        gap = ["" if not lines or lines[-1].endswith("\n") else end, end] if lines else []
        return "".join([*lines, *gap, f"[{name}]{end}", *_lines(said, end)])
    stop = next((number for number, _ in heads if number > start), len(lines))
    if lines[start : start + 1] and not lines[start].endswith("\n"):
        lines[start] += end
    body = lines[start + 1 : stop]
    if _holds(body, said):
        return text
    kept = list(_others(body, said))
    return "".join([*lines[: start + 1], *_lines(said, end), *kept, *lines[stop:]])


def _holds(body: list[str], said: Said) -> bool:
    """Whether the section says all of it already, however it is spaced."""
    found: list[tuple[str, list[str]]] = []
    for line in body:
        if word := _WORD.match(line):
            found.append((word[1].lower(), [line[word.end() :].strip()]))
        elif found and line[:1] in " \t" and line.strip():
            found[-1][1].append(line.strip())
    for name, value in said.items():
        values = [one for word, one in found if word == name]
        if isinstance(value, str):
            is_same = values == [[value]]
        else:
            inner = {
                re.sub(r"\s*=\s*", "=", line, count=1) for one in values for line in one if line
            }
            is_same = len(values) == 1 and inner == {f"{word}={one}" for word, one in value.items()}
        if not is_same:
            return False
    return True


def _others(body: list[str], said: Said) -> Iterator[str]:
    """Lines of words that we do not say; what is indented belongs to the word above."""
    is_ours = False
    for line in body:
        if word := _WORD.match(line):
            is_ours = word[1].lower() in said
        elif not (line[:1] in " \t" and line.strip()):
            is_ours = False
        if not is_ours:
            yield line


def _lines(said: Said, end: str) -> Iterator[str]:
    for word, value in said.items():
        if isinstance(value, str):
            yield f"{word} = {value}{end}"
        else:
            yield f"{word} ={end}"
            yield from (f"  {inner} = {one}{end}" for inner, one in value.items())


def _section_of(path: Path, name: str) -> dict[str, str]:
    found = RawConfigParser()
    found.read_string(_text_of(path))
    heads = (head for head in found.sections() if " ".join(head.split()) == name)
    return {word: value for head in heads for word, value in found.items(head)}


def _text_of(path: Path) -> str:
    """Byte by byte: ends of lines are somebody's choice, too."""
    try:
        text = ordinary(path).read_bytes().decode()
        RawConfigParser().read_string(text)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check it") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not text in UTF-8; correct it") from None
    except Error as error:  # Its text may repeat a line with a secret.
        line = getattr(error, "lineno", None) or next(
            (number for number, _ in getattr(error, "errors", ())), 1
        )
        raise ConfigError(f"{path}:{line}: is no AWS configuration; correct this line") from None
    return text
