"""Access points on loopback: what stands where Amazon's hosts would, a real server behind it.

The program reaches it as it would reach Amazon: by the true host name, through an https proxy,
whose authority it is told to trust. Here the access point's host becomes a bucket of the server
behind, once the signature was found to be right for that host.
"""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import botocore.auth
import trustme
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from bucketline.settings import Keys, Secret
from bucketline.stores.s3.sign_regions import key_of, text_to_sign
from faults.http import Ended, Line, Message, answer, read_request
from faults.raw import RawServer
from servers import Endpoint

_NOT_FORWARDED = {"host", "authorization", "x-amz-region-set", "content-length", "x-amz-date"}


@dataclass
class Edge(RawServer):
    """The hosts of `points`, each a bucket of `behind`; no other host is there."""

    points: dict[str, str] = field(default_factory=dict)  # host -> bucket
    scopes: dict[str, str] = field(default_factory=dict)  # host -> region/service, as it must be.
    behind: Endpoint = field(default_factory=lambda: Endpoint(""))
    authority: trustme.CA = field(default_factory=trustme.CA)
    refused: list[str] = field(default_factory=list)
    contexts: dict[str, ssl.SSLContext] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reply = self._answered
        self.keys = Keys(self.behind.access_key, Secret(self.behind.secret_key))

    def _serve(self, client: socket.socket) -> None:
        """CONNECT host:443, and from then on TLS as that host."""
        with client, suppress(OSError, Ended):
            with client.makefile("rb") as stream:
                host = read_request(stream, client).start[1].removesuffix(":443")
            if host not in self.points:
                self.refused.append(host)
                client.sendall(answer(502).raw())
                return
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            sound = self._context(host).wrap_socket(client, server_side=True)
            self._open.append(sound)
            with sound, sound.makefile("rb") as stream:
                while self._turn(read_request(stream, sound), sound):
                    pass

    def _context(self, host: str) -> ssl.SSLContext:
        """What makes us that host."""
        if host not in self.contexts:
            made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.authority.issue_cert(host).configure_cert(made)
            self.contexts[host] = made
        return self.contexts[host]

    def _answered(self, request: Message) -> Message:
        host = request.header("host")
        if complaint := self._complaint(request, host):
            self.refused.append(complaint)
            body = "<Error><Code>SignatureDoesNotMatch</Code></Error>"
            return answer(403, body.encode())
        line = Line((urlsplit(self.behind.url).hostname, urlsplit(self.behind.url).port))
        try:
            return line.ask(self._signed_anew(request, self.points[host]))
        finally:
            line.close()

    def _complaint(self, request: Message, host: str) -> str:
        """What is wrong with the signature; "" = nothing."""
        said = request.header("authorization")
        scope = re.search(r"Credential=[^/]+/\d{8}/([^,]+)/aws4_request", said)
        region = request.header("x-amz-region-set")
        found = f"{region}/{scope[1]}" if scope and region else scope[1] if scope else ""
        if found != self.scopes[host]:
            return f"{host} is of {self.scopes[host]}, not of {found}"
        is_right = self._is_signed_for_all if region else self._is_signed
        return "" if is_right(request, said) else f"{host}: the signature is wrong"

    def _is_signed(self, request: Message, said: str) -> bool:
        method, target = request.start[:2]
        region, service = self.scopes[request.header("host")].split("/")
        signer = botocore.auth.S3SigV4Auth(self._known(), service, region)
        signer.payload = lambda _: request.header("x-amz-content-sha256")
        asked = AWSRequest(method, f"https://{request.header('host')}{target}")
        asked.context["timestamp"] = request.header("x-amz-date")
        for name in said.partition("SignedHeaders=")[2].partition(",")[0].split(";"):
            asked.headers[name] = request.header(name)
        text = signer.string_to_sign(asked, signer.canonical_request(asked))
        return said.endswith(f"Signature={signer.signature(text, asked)}")

    def _is_signed_for_all(self, request: Message, said: str) -> bool:
        method, target = request.start[:2]
        path, _, query = target.partition("?")
        names = said.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        lines = "".join(f"{name}:{request.header(name)}\n" for name in names)
        payload = request.header("x-amz-content-sha256")
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{';'.join(names)}\n{payload}"
        stamp = request.header("x-amz-date")
        text = text_to_sign(stamp, f"{stamp[:8]}/s3/aws4_request", canonical).encode()
        signature = bytes.fromhex(said.rpartition("Signature=")[2])
        try:
            key_of(self.keys).public_key().verify(signature, text, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def _signed_anew(self, request: Message, bucket: str) -> Message:
        """The same, of the bucket behind, in path style."""
        method, target = request.start[:2]
        path, mark, query = target.partition("?")
        target = f"/{bucket}{path}{mark}{query}" if path != "/" else f"/{bucket}{mark}{query}"
        lines = [line.partition(": ") for line in request.head.decode().split("\r\n")[1:]]
        headers = {
            name: self._translated(value) if name.lower() == "x-amz-copy-source" else value
            for name, mark, value in lines
            if mark and name.lower() not in _NOT_FORWARDED
        }
        asked = AWSRequest(method, f"{self.behind.url}{target}", headers, request.body)
        botocore.auth.S3SigV4Auth(self._known(), "s3", self.behind.region).add_auth(asked)
        asked.headers["Host"] = urlsplit(self.behind.url).netloc
        asked.headers["Content-Length"] = str(len(request.body))
        head = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        return Message(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode(), request.body)

    def _translated(self, source: str) -> str:
        """arn:…:accesspoint/NAME/object/KEY -> /bucket/KEY"""
        arn, mark, key = source.partition("/object/")
        if not mark or not unquote(arn).startswith("arn:"):
            return source
        name, account = unquote(arn).rpartition("/")[2], unquote(arn).split(":")[4]
        host = next(host for host in self.points if host.startswith(f"{name}-{account}."))
        return f"/{self.points[host]}/{key}"

    def _known(self) -> Credentials:
        return Credentials(self.behind.access_key, self.behind.secret_key)
