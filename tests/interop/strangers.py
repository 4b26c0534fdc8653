"""Verifying a ledger with other people's programs: here Go's `golang.org/x/mod/sumdb`, as Debian packages it.

`verify_with_go` is for every test that has a static tlog-tiles directory, whoever made it. It needs `go` and the
sources of x/mod; `missing_go` says in one line what to install. Nothing is fetched from the network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_GOPATH = Path("/usr/share/gocode")
_PROGRAM = Path(__file__).parent / "go" / "verifylog.go"


@dataclass(frozen=True)
class Verified:
    """What Go found and proved. `root` is base64; `proof` is a tlog-proof file that Go made, if one was asked for."""

    origin: str
    size: int
    root: str
    entries_proven: int
    earlier_trees_proven: int
    signatures_verified: int
    signatures_unknown: int
    proof: str


class Refused(Exception):
    """Go refused the directory; the text is its reason."""


def missing_go() -> str | None:
    """None if Go can be used here, otherwise what to install."""
    if shutil.which("go") and (_GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        return None
    return "Go or x/mod is missing: apt-get install --no-install-recommends golang-go golang-golang-x-mod-dev"


def build_go_verifier(directory: Path) -> Path:
    """Compiles the verifier into `directory` and returns the program. Takes some seconds the first time."""
    program = directory / "verifylog"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(_GOPATH),
        "GOFLAGS": "",
        "GOCACHE": str(directory / "go-cache"),
    }
    command = ["go", "build", "-o", str(program), str(_PROGRAM)]
    built = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if built.returncode != 0:
        raise RuntimeError(f"the Go verifier does not compile: {built.stderr}")
    return program


def verify_with_go(program: Path, ledger: Path, vkeys: Path, prove_index: int | None = None) -> Verified:
    """Checks the checkpoint, every entry and earlier trees of the directory `ledger`.

    `vkeys` is a file with one verifier key per line; Go uses the Ed25519 ones and ignores signatures of other keys.
    Raises Refused.
    """
    command = [str(program), str(ledger), str(vkeys), *([] if prove_index is None else [str(prove_index)])]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if ran.returncode != 0:
        raise Refused(ran.stderr.strip())
    return Verified(**json.loads(ran.stdout))
