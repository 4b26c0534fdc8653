"""The stage of the demonstration: people at terminals, each in a home of its own, and one exchange.

Rules:
1. Everything goes through the command `comity` and the HTTP API, as a user has them. No back door.
2. A step that does not end as it should ends the demonstration with what was printed.
3. Every step stands in the transcript: who, what, the command, ids, status, how long it took. It is English, for
   programs; the story is told in the reader's language.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import typer
from rich.console import Console
from rich.text import Text

from comity.demo_exchange import KEY_COST, OPERATOR, PASSPHRASE, OwnExchange, RunningExchange
from comity.demo_process import comity, plain_environment
from comity.demo_step import Step, StepFailed
from comity.words import _, reader_language


@dataclass
class Stage:
    """`directory` holds homes, results, and an exchange of its own; it is the demonstration's."""

    directory: Path
    console: Console
    exchange: OwnExchange | RunningExchange
    steps: list[Step] = field(default_factory=list)

    def home(self, who: str) -> Path:
        return self.directory / "homes" / who

    def act(self, who: str, what: str, *arguments: str | Path, expect: int = 0) -> dict[str, Any]:
        """One command of one person; its JSON answer. Raises StepFailed unless it ends with `expect`."""
        answer: dict[str, Any] = json.loads(self._run(who, what, [*arguments, "--json"], expect) or "{}")
        self._note_ids(answer)
        return answer

    def read(self, who: str, what: str, *arguments: str | Path) -> str:
        """One command of one person, with what it prints for people. Raises StepFailed."""
        return self._run(who, what, arguments, expect=0)

    def tell(self, who: str, text: str) -> None:
        """One line of the story, in the reader's language."""
        self.console.print(Text.assemble("  ", (f"{_(who):<9}", "bold cyan"), " ", text), soft_wrap=True)

    def scene(self, title: str) -> None:
        self.console.print()
        self.console.print(Text(title, "bold"))

    def step_of(self, who: str, what: str) -> Step:
        """The step of the transcript with this name."""
        return next(step for step in self.steps if (step.who, step.what) == (who, what))

    def write_transcript(self, path: Path) -> None:
        path.write_text(json.dumps([vars(step) for step in self.steps], ensure_ascii=False, indent=1) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.exchange.kill()

    def _run(self, who: str, what: str, arguments: Sequence[str | Path], expect: int) -> str:
        words = [str(argument) for argument in arguments]
        began, clock = datetime.now(UTC), time.monotonic()
        done = subprocess.run(
            [*comity(), *words], capture_output=True, text=True, env=self._environment(who), timeout=120, check=False
        )
        took = round(time.monotonic() - clock, 3)
        command = " ".join(["comity", *(word for word in words if word != "--json")])
        self.steps.append(
            Step(who, what, command, done.returncode, {}, None, began.isoformat(timespec="milliseconds"), took)
        )
        if done.returncode != expect:
            said = (done.stdout + done.stderr).strip()
            ended = _("it ended with {code}, not with {expected}:", code=done.returncode, expected=expect)
            raise StepFailed(f"{_(who)}: {command}\n{ended}\n{said}", _code(done.stdout))
        return done.stdout

    def _note_ids(self, answer: Mapping[str, Any]) -> None:
        ids = {name: answer[name] for name in ("message", "dossier", "number") if isinstance(answer.get(name), str)}
        status = answer.get("decision") or answer.get("status")
        last = self.steps[-1]
        self.steps[-1] = Step(**{**vars(last), "ids": ids, "status": status if isinstance(status, str) else None})

    def _environment(self, who: str) -> dict[str, str]:
        return {
            **plain_environment(),
            "COMITY_HOME": str(self.home(who)),
            "COMITY_URL": self.exchange.url,
            "COMITY_PASSPHRASE": self.exchange.passphrase if who == OPERATOR else PASSPHRASE,
            "COMITY_KEY_COST": KEY_COST,
            "COMITY_LANGUAGE": reader_language(),
            "NO_COLOR": "1",
        }


def stage_at(directory: Path, console: Console, running: Path | None) -> Stage:
    """An empty stage; what an earlier demonstration left is removed. It has an exchange of its own, or the one that is
    running there. Raises StepFailed where none runs, typer.BadParameter for any other folder.
    """
    import shutil

    exchange = RunningExchange(running.resolve()) if running is not None else None
    marker = directory / ".comity-demo"
    if directory.exists() and any(directory.iterdir()):
        if not marker.exists():
            raise typer.BadParameter(
                _("{directory} is not empty and was not made by the demonstration", directory=directory)
            )
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    marker.touch()
    (directory / "homes").mkdir()
    return Stage(directory.resolve(), console, exchange or OwnExchange(directory.resolve()))


def _code(answer: str) -> str:
    """The code of a refusal in an answer for programs."""
    try:
        return str(json.loads(answer)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
