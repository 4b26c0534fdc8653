"""Which exchange the demonstration plays on: one of its own, in one process, or one that runs already (`make up`)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from comity.demo_process import first_line, start_comity, stop_comity
from comity.demo_step import StepFailed
from comity.demo_witnesses import DemoWitnesses
from comity.words import _
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from comity.demo_stage import Stage

PASSPHRASE: Final = "demonstration only, not a secret"  # noqa: S105  # the homes of the demonstration hold no secret
KEY_COST: Final = "32768"  # the least admitted: some 60 commands open a key file whose passphrase everybody knows
ORIGIN: Final = "comity.example/demo"
OPERATOR: Final = mark("operator")
ABOUT_FILE: Final = "exchange.json"
ANSWERS: Final = mark("the exchange {origin} answers at {url}; two operator keys decide together")


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
        self.witnesses = DemoWitnesses(directory)

    @property
    def written_to(self) -> list[Path]:
        """Everything that it writes."""
        return [self.data, self.log, *self.witnesses.written_to]

    def open(self, stage: Stage) -> None:
        """It answers at `url` on return. Raises StepFailed."""
        keys = [argument for key in self.operator_keys for argument in ("--operator-key", key)]
        self.witnesses.open(stage)
        policy = ("--witness-policy", self.witnesses.policy)
        made = ("operator", "init", "--data", self.data, "--origin", ORIGIN, *policy, *keys)
        stage.act(OPERATOR, "makes the exchange's keys", *made)
        self._process = start_comity(self.log, "serve", "all", "--data", self.data, "--port", "0")
        line = first_line(self._process)
        if not line:
            raise StepFailed(_("the exchange did not start; see {file}", file=self.log))
        self.url = json.loads(line)["url"]
        self.witnesses.watch(stage, self.data / "trust.json")
        stage.tell(OPERATOR, _(ANSWERS, origin=ORIGIN, url=self.url))

    def close(self) -> None:
        """Ask it to stop, as an operator would. Raises StepFailed unless it stops cleanly and in time."""
        process, self._process = self._process, None
        if process is not None:
            stop_comity(process, _("the exchange"), self.log)
        self.witnesses.close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.witnesses.kill()

    def tell_known_party(self, party: str) -> str:
        """Why a party cannot be enrolled, and what to do."""
        return _("{party} is enrolled already on a new exchange", party=party)


class RunningExchange:
    """One that somebody else runs, as its `exchange.json` describes it. It runs on afterwards."""

    witnesses = None

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
            why = _(
                "no exchange runs in {directory}: start one first, in another terminal: make up", directory=directory
            )
            raise StepFailed(why) from None

    def open(self, stage: Stage) -> None:
        origin = json.loads((self.data / "trust.json").read_text())["origin"]
        stage.tell(OPERATOR, _(ANSWERS, origin=origin, url=self.url))

    def close(self) -> None:
        """It is not ours."""

    def kill(self) -> None:
        """It is not ours."""

    def tell_known_party(self, party: str) -> str:
        return _(
            "{party} is enrolled already on this exchange: the demonstration was played here before, and needs a new"
            " one. Stop `make up`, remove {directory}, and start `make up` again.",
            party=party,
            directory=self._directory,
        )
