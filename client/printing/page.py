"""A letter as one HTML file: no script, nothing fetched, everything that was written by somebody escaped.

The head and the foot of each printed page stand in the margin boxes of CSS Paged Media, which the PDF and newer
browsers draw; on a screen both stand once, above the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final
from unicodedata import bidirectional

from client.printing.letter import Letter, Section
from shared.texts.catalogue import RIGHT_TO_LEFT

_UNSAFE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters and changes of writing direction: shown, never obeyed, as on the terminal."""

SHORT: Final = 12
_STYLE: Final = """
body { font: 10.5pt/1.5 "DejaVu Serif", Georgia, serif; color: #111; max-width: 46em; margin: 2em auto; padding: 0 1em }
:lang(ar) { font-family: "Amiri", "Noto Naskh Arabic", "DejaVu Sans", sans-serif }
html:lang(ar) body { font-size: 12pt }
h1 { font-size: 1.5em; margin: 0 } p.kind { font-size: 1.15em; margin: .1em 0 1em; color: #333 }
h2 { font-size: 1.05em; margin: 1.3em 0 .3em; border-bottom: .5pt solid #888; break-after: avoid }
p.text { white-space: pre-line; margin: .3em 0; text-align: start; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; font-size: .88em }
th, td { border: .5pt solid #aaa; padding: .25em .5em; vertical-align: top; text-align: start; white-space: pre-line;
  overflow-wrap: anywhere }
th { font-weight: bold; background: #eee; overflow-wrap: break-word }
table.facts th { width: 13em; font-weight: normal }
[dir=rtl] td { text-align: right } td.short { white-space: nowrap } tr { break-inside: avoid }
.foot { border: .75pt solid #111; padding: .3em .7em; font-size: .88em }
.remarks { font-size: .85em; color: #333; margin-top: 2em; border-top: .5pt solid #888 }
"""
_PAGED: Final = """
@page {{ size: A4; margin: 2.3cm 2cm 3.2cm;
  @top-center {{ content: "{head}"; width: 100%; direction: {direction}; text-align: start; font: 7.5pt {font};
    border-bottom: .5pt solid #888; vertical-align: middle }}
  @bottom-center {{ content: "{foot}\\A " "{before}" counter(page) "{between}" counter(pages) "{after}"; width: 100%;
    white-space: pre-line; direction: {direction}; text-align: start; font: 7.5pt/1.3 {font}; vertical-align: top;
    border-top: .5pt solid #888; padding-top: 4pt }} }}
@media print {{ body {{ margin: 0; max-width: none; padding: 0 }} .screen {{ display: none }} }}
"""


def letter_page(letter: Letter) -> str:
    """The whole file."""
    direction = "rtl" if letter.language in RIGHT_TO_LEFT else "ltr"
    head = "   ·   ".join(_apart(label, value) for label, value in letter.numbers)
    before, _page, rest = letter.page_of.partition("{page}")
    between, _pages, after = rest.partition("{pages}")
    font = '"Amiri", "DejaVu Sans", sans-serif' if letter.language in RIGHT_TO_LEFT else '"DejaVu Sans", sans-serif'
    gaps = {"head": head, "foot": _apart(*letter.foot), "before": before, "between": between, "after": after}
    paged = _PAGED.format(**{name: _css(text) for name, text in gaps.items()}, direction=direction, font=font)
    return "\n".join(
        [
            f'<!doctype html><html lang="{letter.language}" dir="{direction}"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">',
            f"<title>{_safe(letter.title)}</title><style>{_STYLE}{paged}</style></head><body>",
            f"<h1>{_safe(letter.title)}</h1>",
            f'<p class="kind">{_safe(letter.subtitle)}</p>',
            _facts(letter.numbers),
            f'<p class="foot screen">{escape(_apart(*letter.foot))}</p>',
            _facts(letter.facts),
            *(_section(one) for one in letter.sections),
            '<div class="remarks">',
            *(f'<p class="text">{_safe(one)}</p>' for one in letter.remarks),
            "</div></body></html>",
            "",
        ]
    )


def _section(section: Section) -> str:
    heading = f"<h2>{_safe(section.heading)}</h2>"
    if section.table is None:
        return f'{heading}<p class="text"{_direction(section.text)}>{_safe(section.text or "")}</p>'
    head = "".join(f"<th>{_safe(one)}</th>" for one in section.table.head)
    rows = "".join(f"<tr>{_cells(row)}</tr>" for row in section.table.rows)
    return f"{heading}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td{_direction(one)}{_short(one)}>{_safe(one)}</td>" for one in row)


def _short(text: str) -> str:
    """A short word is not broken, or a column of file names becomes one of letters."""
    return ' class="short"' if len(text) <= SHORT else ""


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><th>{_safe(name)}</th><td{_direction(value)}>{_safe(value)}</td></tr>" for name, value in rows
    )
    return f'<table class="facts">{cells}</table>'


def _direction(text: str | None) -> str:
    """By the first letter that has a direction; WeasyPrint knows no `dir=auto`."""
    found = next((way for one in text or "" if (way := bidirectional(one)) in ("L", "R", "AL")), None)
    return "" if found is None else f' dir="{"ltr" if found == "L" else "rtl"}"'


def _apart(label: str, value: str) -> str:
    """A value beside its label, in a direction of its own (U+2068, U+2069): a French sentence on an Arabic page keeps
    its full stop at its end."""
    return f"{_visible(label)}: \u2068{_visible(value)}\u2069"


def _visible(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _safe(text: str) -> str:
    return escape(_visible(text))


def _css(text: str) -> str:
    """For a string in a style sheet: whatever is no letter or digit as an escape of six digits, spaces too, since an
    escape takes the space that follows it."""
    return "".join(one if one.isalnum() else f"\\{ord(one):06x}" for one in text)
