"""The two witnesses of the demonstration: processes of their own, which cosign what the exchange's ledger adds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from comity.demo_process import first_line, start_comity, stop_comity
from comity.demo_step import StepFailed
from comity.words import _

if TYPE_CHECKING:
    from comity.demo_stage import Stage

WITNESSES: Final = {"rabat": "witness.rabat.example", "paris": "witness.paris.example"}
"""By the names that the policy gives them."""


class DemoWitnesses:
    """`policy` is the file that names them, once they are open."""

    def __init__(self, directory: Path) -> None:
        self.policy = directory / "witnesses.policy"
        self._homes = {name: directory / f"witness-{name}" for name in WITNESSES}
        self._processes: dict[str, subprocess.Popen[str]] = {}

    @property
    def written_to(self) -> list[Path]:
        return [*self._homes.values()]

    def open(self, stage: Stage) -> None:
        """They answer on return, and know no ledger yet. Raises StepFailed."""
        lines = []
        for name, home in self._homes.items():
            made = stage.act(
                f"witness {name}", "makes its keys", "witness", "init", "--name", WITNESSES[name], "--data", home
            )
            log = home / "witness.log"
            process = self._processes[name] = start_comity(log, "witness", "serve", "--data", home, "--port", "0")
            line = first_line(process)
            if not line:
                raise StepFailed(_("the witness {name} did not start; see {file}", name=name, file=log))
            lines.append(f"witness {name} {made['vkeys'][0]} {json.loads(line)['url']}")
        self.policy.write_text("\n".join([*lines, f"group both all {' '.join(WITNESSES)}", "quorum both", ""]))

    def watch(self, stage: Stage, trust: Path) -> None:
        """They are told of the ledger by its trust file, as everybody is. Raises StepFailed."""
        for name, home in self._homes.items():
            stage.act(f"witness {name}", "is told of the ledger", "witness", "add", trust, "--data", home)
        told = _("two witnesses ({names}): no party believes what they did not both cosign", names=", ".join(WITNESSES))
        stage.tell("", told)

    def known(self, stage: Stage) -> list[dict[str, Any]]:
        """What each cosigned last."""
        shown = [
            stage.act(f"witness {name}", "shows what it knows", "witness", "show", "--data", home)
            for name, home in self._homes.items()
        ]
        return [one["logs"][0] for one in shown]

    def close(self) -> None:
        """Raises StepFailed unless each stops cleanly and in time."""
        while self._processes:
            name, process = self._processes.popitem()
            stop_comity(process, _("the witness {name}", name=name), self._homes[name] / "witness.log")

    def kill(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
