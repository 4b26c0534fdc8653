"""The command `comity`: the list of its command groups, each imported only when it is called.

Exit codes: 0 done; 1 refused or rejected, with the code, the sentence and what to do next; 2 wrong use of the command
or missing settings; 3 the exchange cannot be reached; 4 something does not verify.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from comity.spoken_help import WRONG, set_headings, spoken, told_use

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "desk": ("comity.desk:app", "Officers, their approvals, and the messages that wait for them."),
    "keys": ("comity.keys:app", "Make, renew, show and compare keys."),
    "trust": ("comity.trust:app", "Import and show the trust file of an exchange."),
    "new": ("comity.new:new", "Write a request step by step, into a file for `comity send`."),
    "instruments": ("comity.instruments:instruments", "Which law binds two countries, and how a party takes requests."),
    "send": ("comity.send:send", "Open a dossier: check, seal, sign and send a request."),
    "inbox": ("comity.inbox:inbox", "What came, what was decided, and what looks wrong."),
    "watch": ("comity.inbox:watch", "Follow the feed live, until Ctrl-C."),
    "export": ("comity.by_file:export_dossier", "Write a dossier into files, for a court that is not connected."),
    "import": ("comity.by_file:import_answer", "Send what such a court answered by file."),
    "list": ("comity.casebook:list_dossiers", "Your dossiers: what is yours today, overdue, or waits on others."),
    "appointments": (
        "comity.appointments:appointments",
        "Hearings, test calls and transfers that stand open, by the clocks of both sides.",
    ),
    "search": ("comity.casebook:search", "Search what was opened here or sent from here, without the exchange."),
    "show": ("comity.dossiers:show", "One dossier: its messages and whose turn it is."),
    "status": ("comity.dossiers:status", "Whose turn it is in a dossier, and by when."),
    "open": ("comity.reading:open_message", "Verify and open one message."),
    "print": ("comity.printing:print_message", "One message as a letter on paper, PDF or HTML, in four languages."),
    "reply": ("comity.reply:reply", "Answer in a dossier: acknowledge, accept, refuse, ask, deliver …"),
    "kinds": ("comity.kinds:kinds", "What may be sent in a dossier, or in a profile, and how it is typed."),
    "proof": (
        "comity.proof:app",
        "The evidences of one message; a file that proves it to a court; whether one verifies.",
    ),
    "audit": ("comity.audit:app", "Verify a whole ledger from outside, and every change of a key."),
    "ledger": ("comity.ledger:app", "Keep a copy of the ledger."),
    "operator": ("comity.operator:app", "Set up and run an exchange, enrol parties, load instruments."),
    "database": ("comity.database:app", "Migrate a PostgreSQL database and apply its rights."),
    "broker": ("comity.broker:app", "Write the users, rights and queues of a RabbitMQ."),
    "serve": ("comity.serve:app", "Run the exchange, or one service of it."),
    "witness": ("comity.witness:app", "Run a witness, which cosigns ledgers that only grow."),
    "demo": ("comity.demo:demo", "Play the four-country scenario and verify its ledger."),
}


class LazyGroup(TyperGroup):
    """Lists its commands from the table above and imports one only to run it: `comity --help` reads no other file."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, summary) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=summary))
        spoken(self)

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, (command_of(name) if name in COMMANDS else command), rest

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _speaking():
            return super().parse_args(ctx, args)

    @override
    def invoke(self, ctx: Any) -> Any:
        with _speaking():
            return super().invoke(ctx)


@contextmanager
def _speaking() -> Iterator[None]:
    """What click says of wrong use, in the reader's language."""
    try:
        yield
    except WRONG as wrong:
        raise told_use(wrong) from None
    except typer.Abort:
        set_headings()
        raise


def command_of(name: str) -> Any:
    """The command or group of this name, imported now."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return spoken(typer.main.get_command(found))
    single = typer.Typer(add_completion=False)
    single.command(name)(found)
    return spoken(typer.main.get_command(single))


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The exchange for mutual legal assistance that its users need not trust.",
    epilog="Exit codes: 0 done, 1 refused, 2 wrong use, 3 exchange unreachable, 4 does not verify.",
)


@app.callback()
def main() -> None:
    """The exchange for mutual legal assistance that its users need not trust."""


if __name__ == "__main__":
    sys.exit(app())
