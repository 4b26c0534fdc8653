"""`python -m tests.canaries --n 100 [--seed S] [--mode both]`: plaintexts in every sealed field, looked for everywhere.

Embedded: one process on SQLite. Exchange: separate services on RabbitMQ and PostgreSQL, with frames waiting on the
broker's disk; there the passwords and private keys of the exchange are looked for too, wherever they do not belong.

The last lines are `canaries (embedded): passed P / attempted A` and the same of the exchange: of A plaintexts P were
not found. The exit code is 0 only if none was found and everything was found that does lie there in clear.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from client.signing import generate_authority_keys
from tests import canaries_embedded
from tests.canaries_exchange import Search, enrol_separate, plant_and_search
from tests.canary_harvest import Harvest, harvest, plant
from tests.exchange_process import PARTIES, enrol_exchange


def embedded(place: Path, n: int, seed: int) -> dict[str, Harvest]:
    with enrol_exchange(place, [generate_authority_keys(party) for party in PARTIES]) as exchange:
        letters = plant(exchange, n, seed)
        controls = canaries_embedded.controls_of(exchange, letters)
        places = canaries_embedded.places_of(exchange)
        canaries = [canary for letter in letters for canary in letter.canaries]
        return _told({"canaries": Search(places, canaries, controls)})


def exchange(place: Path, n: int, seed: int) -> dict[str, Harvest]:
    with enrol_separate(place, [generate_authority_keys(party) for party in PARTIES]) as separate:
        return _told(plant_and_search(separate, n, seed))


MODES: Final[dict[str, Callable[[Path, int, int], dict[str, Harvest]]]] = {"embedded": embedded, "exchange": exchange}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.canaries", description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=100, help="letters to send in each mode")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="repeats the same plaintexts")
    parser.add_argument("--mode", choices=[*MODES, "both"], default="both")
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}", flush=True)
    lines, is_ok = [], True
    for mode in MODES if asked.mode == "both" else [asked.mode]:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="comity-canaries-") as folder:
            for name, found in MODES[mode](Path(folder), asked.n, asked.seed).items():
                lines.append(f"{name} ({mode}): passed {found.passed} / attempted {found.attempted}")
                is_ok &= found.ok
        print(f"{mode}: {time.monotonic() - began:.1f} s", flush=True)
    print("\n".join(sorted(lines, reverse=True)))
    return 0 if is_ok else 1


def _told(searches: dict[str, Search]) -> dict[str, Harvest]:
    """Search, and print what was found or missed."""
    results: dict[str, Harvest] = {}
    for name, search in searches.items():
        began = time.monotonic()
        found = results[name] = harvest(search.places, search.texts, search.controls)
        took, size = time.monotonic() - began, _size(search.places) / 1e6
        print(f"{name}: {len(search.texts)} texts looked for in {size:.1f} MB, {took:.1f} s", flush=True)
        for control in found.missed:
            print(f"not found although it is there: {control.what} ({control.where})")
        for finding in found.found[:50]:
            shown = search.texts[finding.number] if name == "canaries" else f"secret {finding.number}"
            print(f"found: {shown!r} as {finding.form} in {finding.where}")
    return results


def _size(places: Sequence[Path]) -> int:
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    return sum(path.stat().st_size for path in files if path.is_file())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
