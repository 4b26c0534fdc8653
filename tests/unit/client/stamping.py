"""A time-stamp authority on this machine: OpenSSL's, with a root of its own. Where OpenSSL is missing, tests skip."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest
from typing_extensions import override

from shared.audit.time_stamps import REQUEST_TYPE, RESPONSE_TYPE, StampRoots

_CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[stamping]
extendedKeyUsage = critical,timeStamping
[any]
extendedKeyUsage = critical,serverAuth
"""


@dataclass(frozen=True)
class LocalAuthority:
    folder: Path

    @property
    def roots(self) -> StampRoots:
        return StampRoots([(self.folder / "root.pem").read_bytes()])

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        assert request.headers["content-type"] == REQUEST_TYPE
        return httpx2.Response(200, content=self.reply(request.content), headers={"content-type": RESPONSE_TYPE})

    def reply(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        ours = ("-signer", "tsa.pem", "-inkey", "tsa.key", "-config", "tsa.cnf", "-section", "here")
        openssl(self.folder, "ts", "-reply", "-queryfile", "query", *ours, "-out", "reply")
        return (self.folder / "reply").read_bytes()


@contextmanager
def served(authority: LocalAuthority) -> Iterator[str]:
    """Its address on a free port of this machine."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            reply = authority.reply(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", RESPONSE_TYPE)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        @override
        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/stamp"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def openssl(folder: Path, *arguments: str) -> None:
    program = shutil.which("openssl")
    assert program is not None
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()


def local_authority(folder: Path, usage: str = "stamping") -> LocalAuthority:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to play a time-stamp authority")
    folder.mkdir(parents=True)
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    root = ("-x509", "-days", "3650", "-subj", "/CN=Root of time", "-out", "root.pem", "-keyout", "root.key")
    openssl(folder, "req", *curve, *root)
    openssl(folder, "req", *curve, "-subj", "/CN=Stamps of Rabat", "-out", "tsa.csr", "-keyout", "tsa.key")
    signed = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", usage)
    openssl(folder, "x509", "-req", "-in", "tsa.csr", "-days", "365", *signed, "-out", "tsa.pem")
    return LocalAuthority(folder)
