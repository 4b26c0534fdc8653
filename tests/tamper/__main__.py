"""`python -m tests.tamper --n 10000 [--seed S]`: N frames of an adversary who has the broker; none may be accepted.

Every frame goes through a real RabbitMQ to the real consumer: pump, opener, handler, PostgreSQL. The last line is
`bus-tamper: passed P / attempted A`; the exit code is 0 only if all passed and the genuine frames beside them had their
effect.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from deploy.local import PrivatePostgres, PrivateRabbitMQ
from shared.adapters.sql.schema import migrate
from tests.tamper.arena import open_arena
from tests.tamper.campaign import Campaign
from tests.tamper.judge import Verdicts

DATABASE = "tamper"


def report(verdicts: Verdicts) -> int:
    """Print what counts; the exit code."""
    for sentence in verdicts.wrong[:20]:
        print(f"wrong: {sentence}")
    print(f"genuine frames beside them that had their effect: {verdicts.genuine}")
    print(f"accepted {verdicts.accepted}")
    print(f"bus-tamper: passed {verdicts.passed} / attempted {verdicts.attempted.total()}")
    return 0 if verdicts.ok else 1


async def play(place: Path, broker: str, database: str, n: int, seed: int) -> Verdicts:
    async with open_arena(place, broker, database, "tamper.") as arena:
        return await Campaign(arena, n, random.Random(seed), print).run()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tamper", description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=1000, help="frames to try, about")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="repeats the same attacks")
    asked = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="comity-tamper-") as folder:
        place = Path(folder)
        with PrivateRabbitMQ(place / "rabbitmq") as rabbitmq, PrivatePostgres(place / "postgres") as postgres:
            postgres.create_database(DATABASE)
            asyncio.run(migrate(postgres.dsn(DATABASE)))
            verdicts = asyncio.run(play(place / "exchange", rabbitmq.url, postgres.dsn(DATABASE), asked.n, asked.seed))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"all through the broker and the pump, {time.monotonic() - began:.0f} s, most memory {memory:.0f} MiB")
    return report(verdicts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
