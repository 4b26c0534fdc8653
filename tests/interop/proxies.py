"""What stands before a gateway: it has another name, and takes away a path prefix before it passes a call on.

Two of them: a few lines of our own, and nginx where it is installed. Both tell the gateway a Host and forwarded headers
of which it must believe nothing.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from typing_extensions import override

from deploy.local.endpoint import claim_port

PREFIX = "/comity"
PATIENCE_S = 20.0
TOLD = {"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Prefix": "/other", "Forwarded": "host=elsewhere.example"}

NGINX = """
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {place}/bodies;
    proxy_temp_path {place}/proxied;
    fastcgi_temp_path {place}/unused;
    uwsgi_temp_path {place}/unused;
    scgi_temp_path {place}/unused;
    server {{
        listen 127.0.0.1:{port};
        location {prefix}/ {{
            proxy_pass http://127.0.0.1:{gateway}/;
            proxy_set_header Host gateway.internal;
            proxy_set_header X-Forwarded-Host elsewhere.example;
            proxy_set_header X-Forwarded-Prefix /other;
        }}
    }}
}}
"""


def missing_nginx() -> str | None:
    """None if nginx is here, otherwise what to install."""
    return None if shutil.which("nginx") else "nginx is missing: apt-get install --no-install-recommends nginx"


def exchange_over(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """The answer's status and body: one call over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body or None, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def own_proxy(gateway: int, place: Path) -> Iterator[int]:
    """The port of a proxy before this gateway. `place` is nginx's concern."""

    class Passing(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            headers = {**kept, "Host": "gateway.internal", **TOLD}
            status, answer = exchange_over(gateway, self.command, self.path.removeprefix(PREFIX), headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = pass_on  # noqa: N815  # the names that the library calls

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Tests look at answers."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Passing) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def nginx(gateway: int, place: Path) -> Iterator[int]:
    """The same by nginx, as its manual says it: a `proxy_pass` with a path replaces the prefix."""
    port = claim_port()
    file = place / "nginx.conf"
    file.write_text(NGINX.format(place=place, port=port, gateway=gateway, prefix=PREFIX))
    with subprocess.Popen(["nginx", "-c", str(file), "-p", str(place), "-e", str(place / "error.log")]) as process:
        try:
            _wait_open(port, process)
            yield port
        finally:
            process.terminate()


def _wait_open(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("nginx does not listen")
