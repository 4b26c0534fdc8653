"""What a command prints: text for people, one JSON document for programs; and every error as one or two sentences.

Rules:
1. With `--json` standard output holds exactly one JSON document, also when the command fails. Its sentences are
   English: programs go by codes.
2. Text that came from others is shown, never executed: control characters and changes of writing direction are escaped,
   so that no message can repaint a terminal. Its second and further lines are marked: none can pass for a line of ours.
3. Times show in the reader's zone with UTC beside.
4. No traceback. `COMITY_DEBUG=1` shows it to whoever mends the program.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar, Final

import typer
from typer.exceptions import TyperException
from typing_extensions import override

from comity.advice import WRONG_USE, advice_for, exit_code_of
from comity.words import _, day_text, refusal, told
from shared.domain.ids import parse_time
from shared.errors import ComityError
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from rich.console import Console

_UNSAFE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_FURTHER_LINE: Final = "\n    | "
_WIDTH_WITHOUT_TERMINAL: Final = 200


class Output:
    """Where one command prints to."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, document: Any, render: Callable[[Console], None]) -> None:
        """The document for programs, or what `render` prints for people. Raises _Unwritten."""
        try:
            if self.as_json:
                sys.stdout.write(visible(json.dumps(document, ensure_ascii=False, indent=2)) + "\n")
            else:
                render(console())
            sys.stdout.flush()
        except BrokenPipeError:
            raise  # whoever reads has seen enough
        except OSError as full:
            _give_up_stdout()
            raise _Unwritten(why=full.strerror) from None

    def note(self, text: str) -> None:
        """A remark beside the result: on standard error, and only for people."""
        if not self.as_json:
            say(console(stderr=True), text)

    def error(self, error: ComityError) -> None:
        advice = advice_for(error)
        if self.as_json and not isinstance(error, _Unwritten):
            said = refusal(error)
            members = {"code": said["code"], "sentence": said["sentence"], "advice": advice, "facts": said["facts"]}
            with suppress(_Unwritten):
                self.show({"error": members}, lambda _: None)
                return
        out = console(stderr=True)
        say(out, f"{told(error)} [{error.code}]", style="bold red")
        if advice:
            say(out, _(advice))


@contextmanager
def reporting(as_json: bool) -> Iterator[Output]:
    """Runs a command's body: what it raises becomes a sentence and an exit code."""
    output = Output(as_json)
    try:
        yield output
    except ComityError as error:
        if os.environ.get("COMITY_DEBUG"):
            raise
        output.error(error)
        raise typer.Exit(exit_code_of(error)) from None
    except (typer.Exit, typer.Abort):
        raise
    except TyperException as wrong:
        if not as_json:
            raise  # the framework tells it, with exit code 2
        output.error(_WrongUse(why=str(wrong)))
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception as unexpected:
        if os.environ.get("COMITY_DEBUG"):
            raise
        output.error(_Unexpected(what=type(unexpected).__name__, why=unexpected))
        raise typer.Exit(1) from None


class _OfCommand(ComityError):
    """What the command itself says, marked where it stands: the texts to translate are not looked for in docstrings
    here."""

    says: ClassVar[str]

    @override
    @classmethod
    def template(cls) -> str:
        return cls.says


class _Unexpected(_OfCommand):
    """What nobody foresaw."""

    code = "comity.error"
    says = mark("The command stopped on something that it does not expect ({what}: {why}).")


class _Unwritten(_OfCommand):
    """Standard output takes no more: a disk that is full."""

    code = "comity.unwritten"
    says = mark("The command did its work, and what it has to tell cannot be written: {why}.")


class _WrongUse(ComityError):
    """{why}."""

    code = "comity.wrong-use"


def _give_up_stdout() -> None:
    """What waits in its buffer would fail once more when the process ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def console(stderr: bool = False) -> Console:
    """NO_COLOR is honoured by rich itself; without a terminal, lines are not broken at 80 characters."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def say(out: Console, text: str, style: str | None = None) -> None:
    """One line of text, its markup and control characters without effect. What a text goes on with in further lines is
    marked (rule 2)."""
    out.print(visible(text).replace("\n", _FURTHER_LINE), style=style, soft_wrap=True)


def visible(text: str) -> str:
    """The text with control characters and changes of writing direction written out as escapes."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def local_time(text: str | None) -> str:
    """`22 Nov 2026 10:30 CET (09:30 UTC)` from a time on the wire."""
    if text is None:
        return "–"
    moment = parse_time(text)
    here, utc = moment.astimezone(), moment.astimezone(UTC)
    day = "" if here.date() == utc.date() else f"{day_text(utc, with_year=False)} "
    if here.utcoffset() == utc.utcoffset():
        return f"{day_text(utc)} {utc:%H:%M} UTC"
    return f"{day_text(here)} {here:%H:%M %Z} ({day}{utc:%H:%M} UTC)"
