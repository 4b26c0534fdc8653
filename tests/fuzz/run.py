"""One target under libFuzzer, in a process of its own that ends itself: what is found is kept, and fuzzing goes on.

Atheris never returns and ends the process where it likes, so the tally is written as it grows. A process that ends in
any other way than by its own clock crashed: libFuzzer leaves the input beside the tally as `crash-…`, `timeout-…` or
`oom-…`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from shared.errors import ComityError
from tests.fuzz.json_mutator import mutate_json
from tests.fuzz.target import Forged, ReadTwice, Target

ONE_INPUT_S: Final = 10
"""An input that takes longer is a crash."""
MEMORY_MB: Final = 2048
_WRITE_EVERY_S: Final = 0.25
_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_.@-]{2,30}")
_MOST_FINDINGS: Final = 20
"""Kept of one target and run: the first ones tell enough."""


@dataclass
class Tally:
    """What became of the inputs of one target."""

    attempted: int = 0
    taken: int = 0
    uncaught: int = 0
    forged: int = 0
    read_twice: int = 0

    @property
    def findings(self) -> int:
        return self.uncaught + self.forged + self.read_twice


@dataclass(frozen=True)
class Workplace:
    """`corpus` grows from run to run; `findings` holds this and earlier runs' inputs, each with its traceback."""

    folder: Path

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    @property
    def findings(self) -> Path:
        return self.folder / "findings"

    @property
    def dictionary(self) -> Path:
        """Words of the format, which a fuzzer puts where it likes."""
        return self.folder / "words.dict"

    @property
    def tally(self) -> Path:
        return self.folder / "tally.json"

    def prepare(self, target: Target) -> None:
        for folder in (self.corpus, self.findings):
            folder.mkdir(parents=True, exist_ok=True)
        for seed in (*target.seeds(), *target.attacks()):
            (self.corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        names = sorted({name for seed in target.seeds() for name in _NAME.findall(seed)})
        self.dictionary.write_text("".join(f'"{name.decode()}"\n' for name in names))
        self.tally.unlink(missing_ok=True)

    def read_tally(self) -> Tally | None:
        """None where the process ended before it wrote any."""
        return Tally(**json.loads(self.tally.read_text())) if self.tally.exists() else None


def judge(target: Target, data: bytes, tally: Tally) -> BaseException | None:
    """Count what the target says of these bytes; the finding, if they are one."""
    tally.attempted += 1
    try:
        target.judge(data)
    except ComityError:
        return None
    except Forged as forged:
        tally.forged += 1
        return forged
    except ReadTwice as twice:
        tally.read_twice += 1
        return twice
    except Exception as uncaught:
        tally.uncaught += 1
        return uncaught
    tally.taken += 1
    return None


def fuzz(target: Target, place: Workplace, seconds: float, seed: int) -> NoReturn:
    """Until the time is over; ends the process with 0. The package is instrumented already."""
    import atheris

    tally, until, next_write = Tally(), time.monotonic() + seconds, 0.0

    def test_one_input(data: bytes) -> None:
        nonlocal next_write
        finding = judge(target, data, tally)
        if finding is not None:
            _keep(place.findings, data, finding)
        now = time.monotonic()
        if now >= next_write or now >= until:
            next_write = now + _WRITE_EVERY_S
            place.tally.write_text(json.dumps(asdict(tally)))
        if now >= until:
            os._exit(0)

    longest = max(map(len, (*target.seeds(), *target.attacks())))
    options = (f"-timeout={ONE_INPUT_S}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={longest + 4096}", f"-seed={seed}")
    files = (f"-dict={place.dictionary}", f"-artifact_prefix={place.findings}/", str(place.corpus))

    def mutate(data: bytes, max_size: int) -> bytes:  # looked up at each call: Setup puts another in its place
        return bytes(atheris.Mutate(data, max_size))

    changes = {"custom_mutator": partial(mutate_json, mutate=mutate)} if target.is_json else {}
    atheris.Setup([target.name, *options, *files], test_one_input, **changes)
    atheris.Fuzz()
    sys.exit("libFuzzer returned")


def _keep(folder: Path, data: bytes, finding: BaseException) -> None:
    name = f"{type(finding).__name__}-{hashlib.sha256(data).hexdigest()[:16]}"
    if len(list(folder.iterdir())) < 2 * _MOST_FINDINGS:
        (folder / name).write_bytes(data)
        (folder / f"{name}.txt").write_text("".join(traceback.format_exception(finding)))
