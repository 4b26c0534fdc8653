"""`python -m tests.authz`: the table of rights against a real exchange, whole, and how long refusals take."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

import structlog

from tests.authz.estate import open_estate
from tests.authz.play import play_all


async def play(place: Path) -> int:
    began = time.monotonic()
    async with open_estate(place) as estate:
        print(f"lived through in {time.monotonic() - began:.1f} s", flush=True)
        began = time.monotonic()
        score = await play_all(estate)
        print(f"{time.monotonic() - began:.1f} s {dict(score.outcomes)}")
    for sentence in score.wrong[:20]:
        print(f"wrong: {sentence}"[:600])
    print(f"authz: passed {score.passed} / attempted {score.attempted}")
    return int(bool(score.wrong))


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="comity-authz-") as folder:
        return asyncio.run(play(Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
