"""`--help` and wrong use, in the reader's language.

Typer and click write English: headings, `required`, what was wrong with an option. The texts of the commands are
sentences of the catalogues, each paragraph one; what click says is recognised by the sentences below.
Names of commands, options and types stay: they are typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import typer
from typing_extensions import override

from comity.words import _, retold
from shared.texts.catalogue import mark

HEADINGS: Final = {
    "ARGUMENTS_PANEL_TITLE": mark("Arguments"),
    "OPTIONS_PANEL_TITLE": mark("Options"),
    "COMMANDS_PANEL_TITLE": mark("Commands"),
    "ERRORS_PANEL_TITLE": mark("Error"),
    "REQUIRED_LONG_STRING": mark("[required]"),
    "DEFAULT_STRING": mark("[default: {}]"),
    "ENVVAR_STRING": mark("[env var: {}]"),
    "ABORTED_TEXT": mark("Aborted."),
    "RICH_HELP": mark("Try [blue]'{command_path} {help_option}'[/] for help."),
}
"""What `typer.rich_utils` prints, by the names that it gives to it."""
SAID_BY_CLICK: Final = (
    mark("Show this message and exit."),
    mark("Missing command."),
    mark("No such command '{0}'."),
    mark("No such command '{0}'. Did you mean {1}?"),
    mark("No such option: {0}"),
    mark("No such option: {0} (Possible options: {1})"),
    mark("Missing option {0}."),
    mark("Missing argument {0}."),
    mark("Missing parameter: {0}"),
    mark("Invalid value for {0}: {1}"),
    mark("Invalid value for {0} (env var: {1}): {2}"),
    mark("Invalid value: {0}"),
    mark("Option {0} requires an argument."),
    mark("Option {0} requires {1} arguments."),
    mark("Option {0} does not take a value."),
    mark("Argument {0} takes {1} values."),
    mark("Got unexpected extra argument(s) ({0})"),
    mark("{0} is not one of {1}."),
    mark("File {0} does not exist."),
    mark("Directory {0} does not exist."),
    mark("Path {0} does not exist."),
    mark("File {0} is a directory."),
    mark("Directory {0} is a file."),
    mark("File {0} is not readable."),
    mark("Directory {0} is not readable."),
    mark("Path {0} is not readable."),
    mark("Input should be a valid integer, unable to parse string as an integer"),
    mark("Input should be a valid number, unable to parse string as a number"),
    mark("Input should be greater than or equal to {0}"),
    mark("Input should be less than or equal to {0}"),
)
"""Its own sentences, the first in each help, the others of wrong use."""


WRONG: Final[Any] = typer.BadParameter.__base__
"""Every wrong use of a command: typer gives it no name of its own."""


class SpokenContext(typer.Context):
    """Of each command."""

    @override
    def get_help(self) -> str:
        _speak(self.command, self.command.get_params(self))
        for command in getattr(self.command, "commands", {}).values():
            _speak(command, ())
        set_headings()
        return super().get_help()

    @override
    def get_usage(self) -> str:
        set_headings()
        return super().get_usage()

    @override
    def make_formatter(self) -> Any:
        formatter: Any = super().make_formatter()
        formatter.write_usage = partial(formatter.write_usage, prefix=_("Usage:") + " ")
        return formatter


def spoken(command: Any) -> Any:
    """The command, and those under it, with help in the reader's language once it is asked for."""
    command.context_class = SpokenContext
    for under in getattr(command, "commands", {}).values():
        spoken(under)
    return command


def told_use(wrong: Any) -> Any:
    """An error of click with its sentence in the reader's language."""
    sentence = retold(wrong.format_message())
    wrong.format_message = lambda: sentence
    return wrong


def set_headings() -> None:
    from typer import rich_utils

    for name, heading in HEADINGS.items():
        setattr(rich_utils, name, _(heading))


def _speak(command: Any, options: Iterable[Any]) -> None:
    command.help = _paragraphs(command.help)
    command.short_help = _paragraphs(command.short_help)
    command.epilog = _paragraphs(command.epilog)
    for option in options:
        option.help = _paragraphs(getattr(option, "help", None))


def _paragraphs(text: str | None) -> str | None:
    return None if text is None else "\n\n".join(_(one) for one in paragraphs(text))


def paragraphs(text: str) -> list[str]:
    """Each on one line: so they stand in the catalogues, however the code breaks them."""
    return [" ".join(one.split()) for one in text.split("\n\n") if one.strip()]
