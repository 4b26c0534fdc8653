"""Our ledger before a stranger's witness, and a stranger's log before ours: aics-witness, in its own environment."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.endpoint import claim_port
from shared.adapters.sql.engine import Store
from shared.adapters.sql.schema import migrate
from shared.audit.notes import SignatureType, encode_vkey
from shared.audit.quorum import rule_of
from shared.audit.signers import signer_from_seed
from shared.errors import LedgerForked
from tests.conformance.test_sequencer import PaperMemory, set_back
from tests.conformance.witnessed import Roads, Stage
from tests.interop.strangers import ENVIRONMENT, missing_python
from tests.served import START_S, run, serving
from tests.unit.audit.paper_log import ORIGIN, log_signers
from tests.unit.audit.test_quorum import trust

NAME = "foreign.example/w1"
PROGRAM = ENVIRONMENT.absolute() / "bin" / "aics-witness"


@pytest.fixture(scope="module", autouse=True)
def _environment() -> None:
    missing = missing_python()
    if missing:
        pytest.skip(missing)


@pytest.fixture
def port() -> int:
    return claim_port()


@pytest.fixture
def foreign(tmp_path: Path, port: int) -> Iterator[str]:
    """A stranger's witness that watches our log; its line in a policy."""
    vkey = run(PROGRAM, "init", "--name", NAME, cwd=tmp_path).strip().splitlines()[-1]
    ours = encode_vkey(log_signers()[0].vkey)
    run(PROGRAM, "add-log", "--origin", ORIGIN, "--vkey", ours, cwd=tmp_path)
    with serving(port, PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", cwd=tmp_path):
        yield f"witness foreign {vkey} http://127.0.0.1:{port}"


async def test_a_strangers_witness_cosigns_our_ledger_and_finds_its_fork(foreign: str, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'exchange.sqlite3'}"
    await migrate(url)
    store = Store(url)
    stage = Stage(store, Roads(), rule_of(trust(f"{foreign}\nquorum foreign\n")))
    await stage.start()
    for count in (1, 4, 300):
        await stage.until_served(await stage.grow(count), "foreign")
    await stage.stop()
    await stage.start()
    await stage.until_served(await stage.grow(2), "foreign")
    await stage.stop()
    await set_back(store, 5)
    stage.memory = PaperMemory()
    await stage.start()
    with pytest.raises(LedgerForked, match="holds a signed checkpoint of 307 entries"):
        await stage.grow()
    await stage.stop()
    await store.close()


def test_our_witness_serves_a_strangers_log(tmp_path: Path, port: int) -> None:
    seed = bytes(range(32))
    log_key = signer_from_seed("foreign.example/log", SignatureType.ED25519, seed).vkey
    comity = (sys.executable, "-m", "comity.main", "witness")
    made = run(*comity, "init", "--name", "witness.example/w1", "--data", tmp_path / "w", "--json", cwd=tmp_path)
    run(*comity, "add", "--vkey", encode_vkey(log_key), "--data", tmp_path / "w", cwd=tmp_path)
    with serving(port, *comity, "serve", "--data", tmp_path / "w", "--port", str(port), cwd=tmp_path) as process:
        feed = Path(__file__).parent / "foreign" / "feed.py"
        ed25519 = json.loads(made)["vkeys"][1]
        python = ENVIRONMENT.absolute() / "bin" / "python"
        told = json.loads(run(python, feed, f"http://127.0.0.1:{port}", ed25519, seed.hex(), cwd=tmp_path))
        process.terminate()
        assert process.wait(START_S) == 0
    assert told == {
        "grows": ["cosigned"] * 5,
        "again": "cosigned",
        "anew": "cosigned",
        "rolled back": "WitnessAhead",
        "forked at its size": "WitnessRejected 422",
        "forked beyond it": "WitnessRejected 422",
        "goes on": "cosigned",
    }
