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

from tests.exchange_process import PARTIES, EnrolledExchange, enrol_exchange
from tests.hostile.arena import HONEST, Besieged, embedded, separate, signed_by, written
from tests.hostile.contract import is_installed, judge_contract
from tests.hostile.loads import LOADS
from tests.hostile.probes import Probe, judge, probes
from tests.hostile.siege import Honest, Process, besiege
from tests.unit.envelope.workshop import party

ROOT: Final = Path(__file__).parents[2] / "var" / "hostile"
LETTERS_PER_S: Final = 20
TRIES: Final = 3
"""Of an attack under which honest callers got too little: what the attack costs shows each time, what the machine does
besides does not. Every try is printed."""
AT_ONCE: Final = 4
"""Wrong calls."""
SHORT_TIMES: Final = {"COMITY_HEAD_TIMEOUT_S": "2", "COMITY_BODY_TIMEOUT_S": "2"}
"""For the calls that are refused when their time is over, and for nothing else."""


async def probe(exchange: EnrolledExchange) -> list[str]:
    """What is wrong with the answers to wrong calls: a line for each that is asked, empty where nothing is."""
    url, sender = exchange.process.url, PARTIES[0]
    few = asyncio.Semaphore(AT_ONCE)

    async def judged(name: str, one: Probe) -> str:
        async with few:
            why = await judge(exchange.process.port, one)
        return "" if why is None else f"{name}: {why}"

    asked = probes(signed_by(url, sender), written(url, sender, 1)[0])
    return await asyncio.gather(*(judged(name, one) for name, one in asked.items()))


async def besieged(exchange: Besieged, loads: Sequence[str], seconds: float) -> list[str]:
    """The failures of each attack in one line; an empty one where there are none."""
    found = []
    for load in loads:
        for left in reversed(range(TRIES)):
            letters = exchange.letters(HONEST[0], int(seconds * 2 * LETTERS_PER_S))
            honest = Honest(exchange.port, exchange.honest(), letters)
            outcome = await besiege(load, exchange.aim(), honest, Process(exchange.pid), seconds)
            print(outcome.line(), flush=True)
            if not outcome.is_short or not left:
                found.append("; ".join(f"{load}: {failure}" for failure in outcome.failures))
                break
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile")
    parser.add_argument("--n", type=int, default=20, help="examples for each operation")
    parser.add_argument("--seconds", type=float, default=6, help="for each attack")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--separate", action="store_true", help="attack the gateway of separate services")
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
                    failures = [*failures, "schemathesis is not installed: make hostile installs it where it can"]
                    attempted += 1
        with (separate if given.separate else embedded)(Path(place) / "siege") as besieged_one:
            found = asyncio.run(besieged(besieged_one, given.loads or list(LOADS), given.seconds))
            attempted, failures = attempted + len(found), [*failures, *(one for one in found if one)]
    for failure in failures:
        print(f"not so: {failure}")
    print(f"hostile: passed {attempted - len(failures)} / attempted {attempted}")
    return 0 if attempted and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
