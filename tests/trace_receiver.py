"""A collector of OpenTelemetry on this machine: keeps what is posted to it, byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from typing_extensions import override


class TraceReceiver:
    def __init__(self, url: str) -> None:
        self.url = url
        self.posts: list[tuple[str, bytes]] = []
        """Path and body of each."""
        self.status = 200

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for _, body in self.posts]

    @property
    def spans(self) -> list[Span]:
        found = [scope for request in self.requests for one in request.resource_spans for scope in one.scope_spans]
        return [span for scope in found for span in scope.spans]

    @property
    def resources(self) -> set[tuple[tuple[str, str | int], ...]]:
        return {
            tuple(attributes_of(one.resource.attributes).items())
            for request in self.requests
            for one in request.resource_spans
        }


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in pairs}


@contextmanager
def receiving() -> Iterator[TraceReceiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.append((self.path, body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = TraceReceiver(f"http://127.0.0.1:{server.server_address[1]}")
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
