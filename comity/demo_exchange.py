"""Which exchange the demonstration plays on: one of its own, in one process, or one that runs already (`make up`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from comity.demo_step import StepFailed

if TYPE_CHECKING:
    from comity.demo_stage import Stage

PASSPHRASE: Final = "demonstration only, not a secret"  # noqa: S105  # the homes of the demonstration hold no secret
KEY_COST: Final = "32768"  # the least admitted: some 60 commands open a key file whose passphrase everybody knows
ORIGIN: Final = "comity.example/demo"
ABOUT_FILE: Final = "exchange.json"
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 15.0


class OwnExchange:
    """`comity serve all` in a process of its own, on a free port, with keys made for it."""

    def __init__(self, directory: Path) -> None:
        self.url = ""
        """Where it answers, once it is open."""
        self.data = directory / "exchange"
        self.log = directory / "exchange.log"
        self.operator_keys = tuple(directory / f"operator-{number}.json" for number in (1, 2))
        self.passphrase = PASSPHRASE
        """Of the operators' keys."""
        self._process: subprocess.Popen[str] | None = None

    @property
    def written_to(self) -> list[Path]:
        """Everything that it writes."""
        return [self.data, self.log]

    def open(self, stage: Stage) -> None:
        """It answers at `url` on return. Raises StepFailed."""
        keys = [argument for key in self.operator_keys for argument in ("--operator-key", key)]
        stage.act(
            "operator", "makes the exchange's keys", "operator", "init", "--data", self.data, "--origin", ORIGIN, *keys
        )
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*comity(), "serve", "all", "--data", str(self.data), "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=plain_environment(),
            )
        line = _first_line(self._process)
        if not line:
            raise StepFailed(f"the exchange did not start; see {self.log}")
        self.url = json.loads(line)["url"]
        stage.tell("operator", f"the exchange {ORIGIN} answers at {self.url}; two operator keys decide together")

    def close(self) -> None:
        """Ask it to stop, as an operator would. Raises StepFailed unless it stops cleanly and in time."""
        process, self._process = self._process, None
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

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def tell_known_party(self, party: str) -> str:
        """Why a party cannot be enrolled, and what to do."""
        return f"{party} is enrolled already on a new exchange"


class RunningExchange:
    """One that somebody else runs, as its `exchange.json` describes it. It runs on afterwards."""

    def __init__(self, directory: Path) -> None:
        """Raises StepFailed where no exchange runs."""
        self._directory = directory
        try:
            about = json.loads((directory / ABOUT_FILE).read_text())
            self.url = str(about["url"])
            self.data = Path(about["data"])
            self.operator_keys = tuple(map(Path, about["operator_keys"]))
            self.written_to = [Path(place) for place in about["written_to"]]
            self.passphrase = Path(about["passphrase_file"]).read_text().rstrip("\n")
        except (OSError, ValueError, KeyError, TypeError):
            raise StepFailed(
                f"no exchange runs in {directory}: start one first, in another terminal: make up"
            ) from None

    def open(self, stage: Stage) -> None:
        origin = json.loads((self.data / "trust.json").read_text())["origin"]
        stage.tell("operator", f"the exchange {origin} answers at {self.url}; two operator keys decide together")

    def close(self) -> None:
        """It is not ours."""

    def kill(self) -> None:
        """It is not ours."""

    def tell_known_party(self, party: str) -> str:
        return (
            f"{party} is enrolled already on this exchange: the demonstration was played here before, and needs a new "
            f"one.\nStop `make up`, remove {self._directory}, and start `make up` again."
        )


def comity() -> list[str]:
    return [sys.executable, "-m", "comity.main"]


def plain_environment() -> Mapping[str, str]:
    """Ours without settings of Comity; with byte code files, without which each of some 60 commands would compile all
    it imports.
    """
    dropped = ("COMITY_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def _first_line(process: subprocess.Popen[str]) -> str:
    """What it prints first, or nothing when it ends or says nothing in time."""
    import select

    if process.stdout is None or not select.select([process.stdout], [], [], START_TIMEOUT_S)[0]:
        return ""
    return process.stdout.readline()
