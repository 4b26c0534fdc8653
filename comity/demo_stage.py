"""The stage of the demonstration: people at terminals, each in a home of its own, and one exchange process.

Rules:
1. Everything goes through the command `comity` and the HTTP API, as a user has them. No back door.
2. A step that does not end as it should ends the demonstration with what was printed.
3. Every step stands in the transcript: who, what, the command, ids, status, how long it took.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import typer
from rich.console import Console

PASSPHRASE: Final = "demonstration only, not a secret"  # noqa: S105  # the homes of the demonstration hold no secret
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 15.0


class StepFailed(Exception):
    """A step of the demonstration did not end as it should."""


@dataclass(frozen=True)
class Step:
    """One line of the transcript."""

    who: str
    what: str
    command: str
    exit_code: int
    ids: Mapping[str, str]
    status: str | None
    began_at: str
    took_s: float


@dataclass
class Stage:
    """`directory` holds homes, exchange and results; it is the demonstration's own."""

    directory: Path
    console: Console
    url: str = ""
    steps: list[Step] = field(default_factory=list)
    _exchange: subprocess.Popen[str] | None = None

    def home(self, who: str) -> Path:
        return self.directory / "homes" / who

    @property
    def data(self) -> Path:
        return self.directory / "exchange"

    @property
    def log(self) -> Path:
        return self.directory / "exchange.log"

    def act(self, who: str, what: str, *arguments: str | Path, expect: int = 0) -> dict[str, Any]:
        """One command of one person; its JSON answer. Raises StepFailed unless it ends with `expect`."""
        answer: dict[str, Any] = json.loads(self._run(who, what, [*arguments, "--json"], expect) or "{}")
        self._note_ids(answer)
        return answer

    def read(self, who: str, what: str, *arguments: str | Path) -> str:
        """One command of one person, with what it prints for people. Raises StepFailed."""
        return self._run(who, what, arguments, expect=0)

    def tell(self, who: str, text: str) -> None:
        self.console.print(f"  [bold cyan]{who:<9}[/] {text}", highlight=False, soft_wrap=True)

    def scene(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/]", highlight=False)

    def open_exchange(self) -> None:
        """Start `comity serve all` on a free port and wait until it says that it is ready. Raises StepFailed."""
        with self.log.open("a") as log:
            self._exchange = subprocess.Popen(
                [*_comity(), "serve", "all", "--data", str(self.data), "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment("exchange"),
            )
        line = _first_line(self._exchange)
        if not line:
            raise StepFailed(f"the exchange did not start; see {self.log}")
        self.url = json.loads(line)["url"]

    def close_exchange(self) -> None:
        """Ask it to stop, as an operator would. Raises StepFailed unless it stops cleanly in time."""
        process, self._exchange = self._exchange, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise StepFailed(f"the exchange did not stop within {STOP_TIMEOUT_S:.0f} s") from None
        if code != 0:
            raise StepFailed(f"the exchange stopped with exit code {code}; see {self.log}")

    def step_of(self, who: str, what: str) -> Step:
        """The step of the transcript with this name."""
        return next(step for step in self.steps if (step.who, step.what) == (who, what))

    def write_transcript(self, path: Path) -> None:
        path.write_text(json.dumps([vars(step) for step in self.steps], ensure_ascii=False, indent=1) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._exchange is not None:
            self._exchange.kill()
            self._exchange.wait()

    def _run(self, who: str, what: str, arguments: Sequence[str | Path], expect: int) -> str:
        words = [str(argument) for argument in arguments]
        began, clock = datetime.now(UTC), time.monotonic()
        done = subprocess.run(
            [*_comity(), *words], capture_output=True, text=True, env=self._environment(who), timeout=120, check=False
        )
        took = round(time.monotonic() - clock, 3)
        command = " ".join(["comity", *(word for word in words if word != "--json")])
        self.steps.append(
            Step(who, what, command, done.returncode, {}, None, began.isoformat(timespec="milliseconds"), took)
        )
        if done.returncode != expect:
            said = (done.stdout + done.stderr).strip()
            raise StepFailed(f"{who}: {command}\nended with {done.returncode}, not {expect}:\n{said}")
        return done.stdout

    def _note_ids(self, answer: Mapping[str, Any]) -> None:
        ids = {name: answer[name] for name in ("message", "dossier", "number") if isinstance(answer.get(name), str)}
        status = answer.get("decision") or answer.get("status")
        last = self.steps[-1]
        self.steps[-1] = Step(**{**vars(last), "ids": ids, "status": status if isinstance(status, str) else None})

    def _environment(self, who: str) -> dict[str, str]:
        # without byte code files, each of some 60 commands would compile all it imports
        dropped = ("COMITY_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return kept | {
            "COMITY_HOME": str(self.home(who)),
            "COMITY_URL": self.url,
            "COMITY_PASSPHRASE": PASSPHRASE,
            "NO_COLOR": "1",
        }


def stage_at(directory: Path, console: Console) -> Stage:
    """An empty stage; what an earlier demonstration left is removed. Raises typer.BadParameter for any other folder."""
    import shutil

    marker = directory / ".comity-demo"
    if directory.exists() and any(directory.iterdir()):
        if not marker.exists():
            raise typer.BadParameter(f"{directory} is not empty and was not made by the demonstration")
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    marker.touch()
    (directory / "homes").mkdir()
    return Stage(directory.resolve(), console)


def _comity() -> list[str]:
    return [sys.executable, "-m", "comity.main"]


def _first_line(process: subprocess.Popen[str]) -> str:
    """What it prints first, or nothing when it ends or says nothing in time."""
    import select

    if process.stdout is None or not select.select([process.stdout], [], [], START_TIMEOUT_S)[0]:
        return ""
    return process.stdout.readline()
