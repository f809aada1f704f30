"""An S3 server on the loopback, and before it a proxy that fails as networks and servers do: by count, not by time."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Failure = Literal["cut", "half", "500", "503", "403", "silent", "late", "held", "damaged"]
"""What becomes of a request: the connection is cut before the server has the request, or in the middle of the answer;
an answer of 500, 503 or 403; no answer, with and without (`late`) the request being lost, until the client gives up; it
waits until the test lets it go on; its bytes arrive changed, which S3 finds by their checksum."""

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass
class Fault:
    """A failure of the next `count` requests that match, such as `PUT .*shard-`, after the first `skip` of them."""

    what: Failure
    where: str
    count: int = 1
    skip: int = 0

    def meets(self, request: str) -> bool:
        """Whether it meets this request. Counts."""
        if self.count == 0 or not re.match(self.where, request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.count -= 1
        return True


@dataclass
class Network:
    """What happens between a client and the server. `requests` are those that came, in order."""

    server: tuple[str, int]
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def failure(self, request: str) -> Failure | None:
        """What becomes of a request."""
        with self.lock:
            self.requests.append(request)
            return next((fault.what for fault in self.faults if fault.meets(request)), None)


def _error(code: str, message: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    network: Network

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.network.failure(f"{self.command} {self.path}"):
            case "cut":
                return self._cut()
            case "500" | "503" | "403" as status:
                return self._answer(int(status), {}, _error("InternalError", "We fail."))
            case "silent" | "late" as how:
                if how == "late":
                    self._forwarded(body)
                self.network.held.set()
                self.rfile.read(1)  # until the client hangs up
                return self._cut()
            case "held":
                self.network.held.set()
                self.network.go_on.wait()
            case "damaged":  # as S3 does, which moto does not
                return self._answer(400, {}, _error("BadDigest", "Other bytes came."))
            case "half":
                code, headers, data = self._forwarded(body)
                return self._answer(code, headers, data, data[: len(data) // 2])
        return self._answer(*self._forwarded(body))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815  # the server's names

    def _forwarded(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(*self.network.server)
        connection.request(self.command, self.path, body, dict(self.headers.items()))
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def _answer(self, code: int, headers: dict[str, str], data: bytes, sent: bytes | None = None) -> None:
        self.send_response_only(code)
        length = headers.get("Content-Length", str(len(data))) if self.command == "HEAD" else str(len(data))
        for name, value in {**headers, "Content-Length": length}.items():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data if sent is None else sent)
        if sent is not None:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def network_before(server: tuple[str, int]) -> Iterator[tuple[Network, str]]:
    """A network before a server, and the address that clients use."""
    network = Network(server)
    handler = type("Handler", (_Handler,), {"network": network})
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    proxy.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that are killed hang up
    thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield network, f"http://127.0.0.1:{proxy.server_address[1]}"
    finally:
        network.go_on.set()
        proxy.shutdown()
        proxy.server_close()
        thread.join()


@contextmanager
def s3_server() -> Iterator[tuple[str, int]]:
    """Moto's server, in a thread: its host and port."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()
    finally:
        server.stop()


@dataclass
class Bucket:
    """A new bucket behind a network of its own. `client` reaches it directly."""

    url: str
    network: Network
    client: Any

    @property
    def name(self) -> str:
        return self.url.removeprefix("s3://")

    def objects(self) -> dict[str, bytes]:
        """Everything in it."""
        names = [each["Key"] for each in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])]
        return {name: self.client.get_object(Bucket=self.name, Key=name)["Body"].read() for name in names}

    def uploads(self) -> list[Any]:
        """Uploads in parts that were begun, and neither completed nor aborted: the user would pay for them."""
        return list(self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", []))
