"""schemathesis over the committed OpenAPI document: every operation, all its checks, calls in sequence, signed.

It runs as a program of its own, as anybody would run it. What it judges: no server error, no status, content type,
header or body that the document does not name, no method that it does not name, no malformed call that is taken, no
call without a signature that is answered.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.keys.instruments import sign_instruments
from shared.keys.private import Ed25519Signer
from shared.keys.public import OPERATOR
from tests.counterparty import Counterparty
from tests.exchange_process import AUDITOR, INSTRUMENTS, PARTIES, EnrolledExchange
from tests.hostile.callers import CALLERS_FILE, Callers

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "spec" / "openapi.json"
CONFIG: Final = Path(__file__).parent / "schemathesis.toml"
ALL_PHASES: Final = "examples,coverage,fuzzing,stateful"
LETTERS: Final = 12
_EVENTS: Final = "run.ndjson"


@dataclass(frozen=True)
class Judged:
    """How many calls were made, and what was found: one line for each kind of failure at an operation."""

    attempted: int
    found: tuple[str, ...]
    said: str
    """What the program wrote, for whoever looks for the cause."""


def is_installed() -> bool:
    return importlib.util.find_spec("schemathesis") is not None


def judge_contract(
    exchange: EnrolledExchange, place: Path, examples: int, seed: int, phases: str = ALL_PHASES
) -> Judged:
    """`examples` for each operation, of each phase; `place` gets the events and what the program said."""
    place.mkdir(parents=True, exist_ok=True)
    callers(exchange, seed).store(place / "callers.json")
    events = place / _EVENTS
    events.unlink(missing_ok=True)
    options = {
        "--url": exchange.process.url,
        "--checks": "all",
        "--phases": phases,
        "--max-examples": str(examples),
        "--seed": str(seed),
        "--report": "ndjson",
        "--report-ndjson-path": str(events),
        "--request-timeout": "40",
        "--max-response-time": "30",
        "--warnings": "off",
    }
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        f"--config-file={CONFIG}",
        "run",
        *(word for pair in options.items() for word in pair),
    ]
    ran = subprocess.run(
        [*command, "--continue-on-failure", "--no-color", str(DOCUMENT)],
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.hostile.signing",
            CALLERS_FILE: str(place / "callers.json"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    (place / "said.txt").write_text(ran.stdout + ran.stderr)
    return _judged(ran.returncode, ran.stdout + ran.stderr, events)


def callers(exchange: EnrolledExchange, seed: int) -> Callers:
    """Everybody of this exchange, with a few letters that were sent already and some that were not."""
    authority = PARTIES[0]
    sender = Counterparty(authority, exchange.process.url)
    letters = [sender.letter() for _ in range(LETTERS)]
    for letter in letters[: LETTERS // 2]:
        sender.post(letter)
    sender.close()
    exchange.rows.wait_settled()
    keys: dict[str, object] = {one: exchange.keys[one].api for one in PARTIES}
    keys |= {OPERATOR: exchange.operators[0], AUDITOR: exchange.auditor_key}
    registry = sign_instruments(INSTRUMENTS.read_bytes(), exchange.operators, exchange.trust.origin)
    return Callers(
        seed=seed,
        authority=authority,
        operator=OPERATOR,
        auditor=AUDITOR,
        seeds={who: key.seed.hex() for who, key in keys.items() if isinstance(key, Ed25519Signer)},
        documents={
            "/v1/messages": [letter.submission().decode() for letter in letters],
            "/v1/operator/instruments": [registry.decode()],
            "/v1/operator/key-events": list(exchange.operator().directory().events),
        },
        parameters={
            "message": [letter.header["id"] for letter in letters],
            "dossier": [letter.header["dossier"] for letter in letters],
            "name": ["body"],
            "level": ["0"],
            "place": ["000.p/5", "000.p/7"],
            "code": ["call.busy"],
            "letter": ["intake-1"],
        },
    )


def _judged(code: int, said: str, events: Path) -> Judged:
    attempted, found = 0, set[str]()
    for line in events.read_text().splitlines() if events.exists() else ():
        _, event = next(iter(json.loads(line).items()))
        recorder = event.get("recorder") or {}
        attempted += len(recorder.get("interactions") or {})
        for checks in (recorder.get("checks") or {}).values():
            for check in checks:
                if check.get("status") == "failure":
                    found.add(f"{recorder.get('label')}: {check.get('name')}")
    if code and not found:
        found.add(f"the program ended with {code}: {_last_words(said)}")
    return Judged(attempted, tuple(sorted(found)), said)


def _last_words(said: str) -> str:
    lines = [line for line in said.splitlines() if re.search(r"\w", line)]
    return lines[-1] if lines else "without a word"
