"""Verifying a ledger with other people's programs: Go's `golang.org/x/mod/sumdb`, as Debian packages it, and from PyPI
`aics-tlog` and `pymerkle`, in an environment of their own.

`verify_with_go` is for every test that has a static tlog-tiles directory, whoever made it. It needs `go` and the
sources of x/mod; `missing_go` says in one line what to install. `ForeignPython` needs `make var/strangers/.ready`.
Nothing is fetched from the network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.orders import Ordered
from shared.audit.proofs import TlogProof

ENVIRONMENT = Path("var/strangers")
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
    checkpoints_continued: int
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


def verify_with_go(
    program: Path, ledger: Path, vkeys: Path, prove_index: int | None = None, earlier: Sequence[Path] = ()
) -> Verified:
    """Checks the checkpoint, every entry and earlier trees of the directory `ledger`, those of the files `earlier` too.

    `vkeys` is a file with one verifier key per line; Go uses the Ed25519 ones and ignores signatures of other keys.
    Raises Refused.
    """
    asked = str(-1 if prove_index is None else prove_index)
    command = [str(one) for one in (program, ledger, vkeys, asked, *earlier)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if ran.returncode != 0:
        raise Refused(ran.stderr.strip())
    return Verified(**json.loads(ran.stdout))


def roots_by_go(program: Path, entries: Sequence[bytes]) -> list[str]:
    """The root of each tree of the first so many entries, in hex; of none, x/mod of this age says nothing sensible."""
    asked = "".join(f"{entry.hex()}\n" for entry in entries)
    ran = subprocess.run([program, "roots"], input=asked, capture_output=True, text=True, timeout=300, check=True)
    return ran.stdout.split()


def missing_python() -> str | None:
    """None if the verifiers from PyPI can be used here, otherwise why not."""
    if (ENVIRONMENT / ".ready").exists():
        return None
    why = ENVIRONMENT / "why-not"
    said = why.read_text().strip().splitlines() if why.exists() else []
    return f"aics-tlog, aics-witness and pymerkle are missing: {said[-1] if said else 'make var/strangers/.ready'}"


class ForeignPython:
    """aics-tlog and pymerkle in a process of their own."""

    def __init__(self, place: Path) -> None:
        program = Path(__file__).parent / "foreign" / "verify.py"
        self._process = Ordered([ENVIRONMENT.absolute() / "bin" / "python", program], place / "foreign.log")

    def stop(self) -> None:
        self._process.stop()

    def verify(
        self, ledger: Path, vkeys: Path, earlier: Sequence[bytes] = (), proofs: Sequence[TlogProof] = ()
    ) -> dict[str, Any]:
        """What aics-tlog found. The proofs hold their entries as extra data, as ours do. Raises Refused."""
        given = [
            {"index": one.index, "entry": one.extra.hex(), "hashes": [part.hex() for part in one.hashes]}
            for one in proofs
        ]
        notes = [note.decode() for note in earlier]
        found = self._process.ask("verify", ledger=str(ledger), vkeys=str(vkeys), earlier=notes, proofs=given)
        if "refused" in found:
            raise Refused(found["refused"])
        return found

    def roots(self, entries: Sequence[bytes]) -> dict[str, list[str]]:
        """By each library: the root of each tree of the first so many entries, none to all, in hex."""
        return self._process.ask("roots", entries=[entry.hex() for entry in entries])
