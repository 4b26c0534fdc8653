"""`python -m tests.hostile --n N --seconds S [ATTACK…]`: everything hostile against a running exchange.

Three parts: schemathesis over the OpenAPI document (`n` examples an operation), calls that are wrong in one way each,
and attacks on connections, memory and time (`seconds` for each, and as long in peace). It ends with the count.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.signed_calls import SignedCalls
from shared.keys.private import Ed25519Signer
from tests.counterparty import Counterparty
from tests.exchange_process import PARTIES, EnrolledExchange, enrol_exchange
from tests.hostile.contract import is_installed, judge_contract
from tests.hostile.loads import LOADS, Aim
from tests.hostile.probes import judge, probes
from tests.hostile.siege import Honest, Process, besiege
from tests.unit.envelope.workshop import party

ROOT: Final = Path(__file__).parents[2] / "var" / "hostile"
ATTACKER: Final = PARTIES[-1]
LETTERS_PER_S: Final = 10
SHORT_TIMES: Final = {"COMITY_HEAD_TIMEOUT_S": "3", "COMITY_BODY_TIMEOUT_S": "3"}
"""For the calls that are refused when their time is over, and for nothing else."""


def signed_by(exchange: EnrolledExchange, name: str) -> SignedCalls:
    return SignedCalls(exchange.process.url, name, seed_of(exchange, name))


def seed_of(exchange: EnrolledExchange, name: str) -> bytes:
    key = exchange.keys[name].api
    assert isinstance(key, Ed25519Signer)  # keys of tests lie in this process
    return key.seed


def written(exchange: EnrolledExchange, sender: str, count: int) -> list[bytes]:
    """Letters that were not sent yet."""
    counterparty = Counterparty(sender, exchange.process.url)
    letters = [counterparty.letter().submission() for _ in range(count)]
    counterparty.close()
    return letters


async def probe(exchange: EnrolledExchange) -> list[str]:
    """What is wrong with the answers to wrong calls; a line for each that is asked."""
    all_probes = probes(signed_by(exchange, PARTIES[0]), written(exchange, PARTIES[0], 1)[0])
    found = []
    for name, one in all_probes.items():
        why = await judge(exchange.process.port, one)
        found.append("" if why is None else f"{name}: {why}")
    return found


async def besieged(exchange: EnrolledExchange, loads: Sequence[str], seconds: float) -> list[str]:
    """The failures of each attack, in one line; an empty one where there are none."""
    aim = Aim(exchange.process.url, ATTACKER, seed_of(exchange, ATTACKER), written(exchange, ATTACKER, 1)[0])
    found = []
    for load in loads:
        letters = written(exchange, PARTIES[0], int(seconds * 2 * LETTERS_PER_S))
        honest = Honest(exchange.process.port, [signed_by(exchange, name) for name in PARTIES[:3]], letters)
        outcome = await besiege(load, aim, honest, Process(exchange.process.pid), seconds)
        print(outcome.line(), flush=True)
        found.append("; ".join(f"{load}: {failure}" for failure in outcome.failures))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile")
    parser.add_argument("--n", type=int, default=20, help="examples for each operation")
    parser.add_argument("--seconds", type=float, default=6, help="for each attack")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("loads", nargs="*", metavar="attack", help="of: " + ", ".join(LOADS))
    given = parser.parse_args()
    unknown = set(given.loads) - set(LOADS)
    if unknown:
        print(f"no such attack: {', '.join(sorted(unknown))}; there are {', '.join(LOADS)}")
        return 2
    ROOT.mkdir(parents=True, exist_ok=True)
    attempted, failures = 0, list[str]()
    print(f"seed {given.seed}")
    keys = [party(one) for one in PARTIES]
    with tempfile.TemporaryDirectory(prefix="comity-hostile-") as place:
        if not given.loads:
            with enrol_exchange(Path(place) / "contract", keys, SHORT_TIMES) as exchange:
                found = asyncio.run(probe(exchange))
                print(f"{len(found)} wrong calls, {len([one for one in found if one])} answered wrongly", flush=True)
                attempted, failures = len(found), [one for one in found if one]
                if is_installed():
                    judged = judge_contract(exchange, ROOT, given.n, given.seed)
                    print(f"schemathesis made {judged.attempted} calls and found {len(judged.found)}; see {ROOT}")
                    attempted, failures = attempted + judged.attempted, [*failures, *judged.found]
                else:
                    print("schemathesis is not installed: make hostile installs it where it can")
        with enrol_exchange(Path(place) / "siege", keys) as exchange:
            found = asyncio.run(besieged(exchange, given.loads or list(LOADS), given.seconds))
            attempted, failures = attempted + len(found), [*failures, *(one for one in found if one)]
            exchange.process.stop()
    for failure in failures:
        print(f"not so: {failure}")
    print(f"hostile: passed {attempted - len(failures)} / attempted {attempted}")
    return 0 if attempted and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
