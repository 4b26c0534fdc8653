"""`comity witness` as a process of its own: killed without warning and started again, it knows what it cosigned."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path

from deploy.local.endpoint import claim_port
from shared.audit.notes import encode_vkey
from shared.audit.witness_protocol import encode_add_checkpoint
from tests.served import START_S, run, serving
from tests.unit.audit.paper_log import log_signers
from tests.unit.witness.watching import Log

COMITY = (sys.executable, "-m", "comity.main", "witness")


def add(port: int, request: bytes) -> tuple[int, bytes]:
    call = urllib.request.Request(f"http://127.0.0.1:{port}/add-checkpoint", request, method="POST")
    try:
        with urllib.request.urlopen(call, timeout=START_S) as answer:  # noqa: S310 - our own http address
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def test_a_witness_that_was_killed_refuses_a_rollback_and_a_fork_and_goes_on(tmp_path: Path) -> None:
    place, log, fork = tmp_path / "w", Log(), Log(fork=1000)
    for count in (3, 4):
        log.grow(count)
        fork.grow(count)
    vkeys = [word for signer in log_signers() for word in ("--vkey", encode_vkey(signer.vkey))]
    run(*COMITY, "init", "--name", "witness.example", "--data", place, cwd=tmp_path)
    run(*COMITY, "add", *vkeys, "--data", place, cwd=tmp_path)
    port = claim_port()
    serve = (*COMITY, "serve", "--data", place, "--port", str(port))
    with serving(port, *serve, cwd=tmp_path):
        assert add(port, log.request(0, 3))[0] == 200
    with serving(port, *serve, cwd=tmp_path) as process:
        assert add(port, fork.request(0, 3)) == (409, b"3\n")
        assert add(port, encode_add_checkpoint(3, [], fork.notes[3]))[0] == 422
        assert add(port, log.request(3, 7))[0] == 200
        assert add(port, log.request(0, 3)) == (409, b"7\n")
        process.terminate()
        assert process.wait(START_S) == 0
    assert len(list((place / "evidence").iterdir())) == 1
