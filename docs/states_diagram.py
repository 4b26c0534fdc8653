"""One picture of a profile: its states as rows, its kinds of message as columns, each move an arrow in its column.

A drawing of boxes and a hundred crossing arrows shows nothing; here every move of the data is there to be read: a dot
in the row of the state in which a kind may be sent, an arrow head in the row of the state that follows. Pure: the
profile in, the SVG out, byte for byte the same for the same data.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from shared.domain import profile_format
from shared.domain.profile_format import Kind, Profile, Side, State

_ROW, _COLUMN, _LEFT, _TOP, _BOTTOM = 30, 30, 330, 170, 96
_COLOURS = {Side.requesting: "#1f5fa8", Side.requested: "#b3541e", Side.exchange: "#6b6b6b", None: "#6b6b6b"}
_INK, _LINE = "#222222", "#dddddd"


def states_svg(profile: Profile) -> str:
    """The picture of this profile."""
    rows = {state.name: index for index, state in enumerate(_rows(profile))}
    kinds = [kind for kind in profile.kinds.values() if kind.moves]
    width, height = _LEFT + _COLUMN * len(kinds) + 60, _TOP + _ROW * len(rows) + _BOTTOM
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">',
            f"<title>{escape(profile.name)}: states and moves</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            f'<text x="16" y="28" font-size="16" font-weight="bold" fill="{_INK}">{escape(profile.name)}</text>',
            f'<text x="16" y="48" fill="{_INK}">{escape(profile.title)}</text>',
            *_key(height),
            *(line for state in _rows(profile) for line in _row(state, rows[state.name], width)),
            *(line for index, kind in enumerate(kinds) for line in _column(profile, kind, index, rows)),
            "</svg>",
            "",
        ]
    )


def _rows(profile: Profile) -> list[State]:
    return [state for state in profile.states.values() if not state.by_transport]


def _row(state: State, index: int, width: int) -> Iterator[str]:
    y, colour = _y(index), _COLOURS[state.turn]
    weight = ' font-weight="bold"' if state.turn is None else ""
    silence = " · closes by silence" if state.silence else ""
    yield f'<line x1="{_LEFT - 12}" y1="{y}" x2="{width - 24}" y2="{y}" stroke="{_LINE}"/>'
    yield f'<text x="16" y="{y + 4}" fill="{colour}"{weight}>{escape(state.name)}'
    yield f'<tspan font-size="10" fill="#777777">{silence}</tspan></text>'


def _column(profile: Profile, kind: Kind, index: int, rows: dict[str, int]) -> Iterator[str]:
    x = _LEFT + _COLUMN * index
    colour = _COLOURS[next(iter(kind.senders))] if len(kind.senders) == 1 else "#555555"
    yield f'<g stroke="{colour}" fill="{colour}">'
    yield (
        f'<text transform="translate({x + 4},{_TOP - 24}) rotate(-55)" stroke="none" '
        f'font-style="{"normal" if kind.changes_state else "italic"}">{escape(kind.name)}</text>'
    )
    targets = {target for target in kind.moves.values() if target in rows}
    stood_for = {state.instead_of for state in profile.states.values() if state.name in kind.moves and state.instead_of}
    undelivered = [rows[state] for state in sorted(stood_for - kind.moves.keys())]
    touched = [rows[name] for name in (*(one for one in kind.moves if kind.moves[one] in rows), *targets)] + undelivered
    if touched:
        yield f'<line x1="{x}" y1="{_y(min(touched))}" x2="{x}" y2="{_y(max(touched))}" stroke-width="1.5"/>'
    for row in undelivered:
        yield f'<circle cx="{x}" cy="{_y(row)}" r="2.5" stroke="none"/>'
    for state, target in kind.moves.items():
        yield _source(x, _y(rows[state]), target)
    for target in sorted(targets, key=rows.__getitem__):
        y = _y(rows[target])
        yield f'<path d="M{x - 6},{y - 5} L{x + 7},{y} L{x - 6},{y + 5} Z" stroke="#ffffff" stroke-width="1"/>'
    yield "</g>"


def _source(x: int, y: int, target: str) -> str:
    match target:
        case profile_format.STAY:
            return f'<circle cx="{x}" cy="{y}" r="4" fill="#ffffff" stroke-width="1.5"/>'
        case profile_format.BEFORE:
            return f'<rect x="{x - 4}" y="{y - 4}" width="8" height="8" stroke="none"/>'
        case profile_format.LATE:
            return f'<circle cx="{x}" cy="{y}" r="4" fill="#ffffff" stroke-dasharray="2 2" stroke-width="1.5"/>'
    return f'<circle cx="{x}" cy="{y}" r="4" stroke="none"/>'


def _key(height: int) -> Iterator[str]:
    words = (
        ("a dot: may be sent here", "●"),
        ("an arrow head: the state that follows", "▶"),
        ("a ring: the state stays", "○"),
        ("a square: back to the state before", "■"),
        ("a broken ring: a late result, the state stays", "◌"),
        ("a small dot: while it was not delivered", "•"),
    )
    for index, (text, mark) in enumerate(words):
        x, y = 16 + 300 * (index % 3), height - 56 + 18 * (index // 3)
        yield f'<text x="{x}" y="{y}" font-size="11" fill="{_INK}">{mark} {escape(text)}</text>'
    y = height - 16
    yield (
        f'<text x="16" y="{y}" font-size="11">'
        f'<tspan fill="{_COLOURS[Side.requesting]}">blue: the requesting side</tspan>, '
        f'<tspan fill="{_COLOURS[Side.requested]}">brown: the requested side</tspan> (its turn, its message); '
        "in italics: changes nothing, crosses anything</text>"
    )


def _y(index: int) -> int:
    return _TOP + _ROW * index
