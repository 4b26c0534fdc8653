"""A QR code on a terminal.

Rules:
1. It is black on white, both colours said, with the quiet zone of the standard: a terminal's own colours may be the
   other way round, and not every scanner reads white on black. NO_COLOR does not change that: the two colours are what
   is shown, not an ornament of it.
2. Where it could not be scanned, its text is printed instead: at once where output is no terminal, and after the reason
   where the terminal shows no colours or no block characters, or its window is too small.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from comity.output import say
from comity.words import _

if TYPE_CHECKING:
    from rich.console import Console

QUIET_ZONE: Final = 4
"""Modules of white on every side (ISO/IEC 18004)."""
_BLACK_ON_WHITE: Final = (
    "rgb(0,0,0) on rgb(255,255,255)"  # as numbers: the sixteen named colours are the theme's to change
)
_BLOCKS: Final = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def show_qr(out: Console, text: str) -> None:
    """The code that holds this text, or the text."""
    lines = _lines(text)
    hindrance = _hindrance(out, lines) if out.file.isatty() else ""
    if hindrance is None:
        from rich.console import Console

        screen = Console(file=out.file, no_color=False, highlight=False, markup=False, emoji=False)
        for line in lines:
            screen.print(line, style=_BLACK_ON_WHITE, soft_wrap=True)
        return
    if hindrance:
        say(out, _("{hindrance}. This is its text:", hindrance=hindrance))
    say(out, text)


def _lines(text: str) -> list[str]:
    """Two rows of modules in each line: a character is about twice as high as it is wide."""
    import segno

    rows = [tuple(row) for row in segno.make_qr(text, encoding="utf-8").matrix_iter(border=QUIET_ZONE)]
    below = (0,) * len(rows[0])
    pairs = zip_longest(rows[::2], rows[1::2], fillvalue=below)
    return ["".join(_BLOCKS[modules] for modules in zip(upper, lower, strict=True)) for upper, lower in pairs]


def _hindrance(out: Console, lines: list[str]) -> str | None:
    """Why this terminal cannot show it; None: it can."""
    if out.color_system is None:
        return _("A QR code needs colours, and this terminal shows none")
    try:
        "".join(lines).encode(out.encoding)
    except UnicodeEncodeError:
        return _(
            "A QR code needs block characters, and this terminal's {encoding} has none; set it to UTF-8",
            encoding=out.encoding,
        )
    columns, height = len(lines[0]), len(lines) + 1  # the prompt stands below it
    if out.width < columns or out.height < height:
        window = _("{width} columns and {height} lines", width=out.width, height=out.height)
        return _(
            "The QR code needs a window of {columns} columns and {height} lines, and this one has {window}",
            columns=columns,
            height=height,
            window=window,
        )
    return None
