"""Questions at the terminal, one field at a time. What is asked comes from a form; this module knows no field by name.

Rules:
1. Enter alone leaves a field as it is, `-` empties it, `?` explains it, `!` stops; so does the end of the input.
2. Questions go to standard error: with `--json` standard output holds the document alone.
3. An answer that its form refuses is told in words and asked again; nothing of it is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from client.forms.form import FormField, Shape
from comity.output import console, say
from comity.words import _

MAX_TEXT_FILE_BYTES: Final = 1024 * 1024
_KEEP: Final = object()


class Stopped(Exception):
    """Whoever answers has stopped."""


class Asker:
    """Asks. `words` says what a code means."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = dict(words)
        self._out = console(stderr=True)

    def know(self, words: Mapping[str, str]) -> None:
        """What more codes mean."""
        self._words |= words

    def tell(self, text: str, style: str | None = None) -> None:
        say(self._out, text, style)

    def line(self) -> str:
        """One line as it was typed, without the spaces around it. Raises Stopped."""
        try:
            typed = _read_line()
        except (EOFError, KeyboardInterrupt):
            raise Stopped from None
        if typed.strip() == "!":
            raise Stopped
        return typed.strip()

    def ask(self, field: FormField, known: Any, keep: Callable[[Any], str | None]) -> None:
        """Until `keep` takes the answer, or nothing was answered. `keep(None)` empties the field. Raises Stopped."""
        while True:
            self._title(field, known)
            answer = self._answer(field, known)
            if answer is _KEEP:
                return
            refused = keep(answer)
            if refused is None:
                return
            self.tell(refused, style="red")

    def _title(self, field: FormField, known: Any) -> None:
        self.tell("")
        self.tell(_(field.label) + (" *" if field.required else ""), style="bold")
        if field.hint:
            self.tell(f"  {_(field.hint)}")
        if field.examples:
            self.tell("  " + _("For example: {samples}", samples=", ".join(field.examples)))
        if known not in (None, "", [], {}):
            self.tell("  " + _("Now: {value}", value=short(known)))

    def _answer(self, field: FormField, known: Any) -> Any:
        match field.shape:
            case Shape.code:
                return self._code(field)
            case Shape.codes:
                return self._codes(field)
            case Shape.dated:
                return self._dated(field)
            case Shape.flag:
                return self._flag()
            case Shape.group:
                return self._group(field.fields)
            case Shape.listed:
                entries = {str(number): one for number, one in enumerate(known or (), start=1)}
                found = self._entries(field, entries, str)
                return found if found is _KEEP else (list(found.values()) or None)
            case Shape.numbered:
                return self._entries(field, dict(known or {}), "M{}".format)
        return self._text(field)

    def _text(self, field: FormField) -> Any:
        if not field.is_line:
            self.tell("  " + _("Several lines; a full stop alone ends them. @FILE takes the text of a file."))
        first = self.line()
        while first == "?":
            self.tell("  " + _("Enter alone leaves it as it is, - empties it, ! stops; what was answered is kept."))
            first = self.line()
        if first in ("", "-"):
            return None if first else _KEEP
        if first.startswith("@") and not field.is_line:
            return self._file(Path(first[1:]).expanduser())
        if field.is_line:
            return first
        lines = [first]
        while (more := self.line()) != ".":
            lines.append(more)
        return "\n".join(lines).strip()

    def _file(self, path: Path) -> Any:
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_TEXT_FILE_BYTES + 1)
            if len(raw) > MAX_TEXT_FILE_BYTES:
                self.tell(_("{file} has more than {most} bytes.", file=path, most=MAX_TEXT_FILE_BYTES), style="red")
                return _KEEP
            return raw.decode().strip()
        except (OSError, UnicodeDecodeError):
            self.tell(_("{file} cannot be read as text.", file=path), style="red")
            return _KEEP

    def _code(self, field: FormField) -> Any:
        self._list(field.codes)
        while True:
            typed = self.line()
            if typed in ("", "-"):
                return None if typed else _KEEP
            found = _chosen(typed, field.codes)
            if found is not None:
                return found
            self.tell(_("Give one of the numbers, or a code."), style="red")

    def _codes(self, field: FormField) -> Any:
        self._list(field.codes)
        self.tell("  " + _("One or several, with spaces between them."))
        while True:
            typed = self.line()
            if typed in ("", "-"):
                return None if typed else _KEEP
            found = [_chosen(one, field.codes) for one in typed.replace(",", " ").split()]
            if None not in found:
                return list(dict.fromkeys(found))
            self.tell(_("Give one of the numbers, or a code."), style="red")

    def _dated(self, field: FormField) -> Any:
        dated = {}
        for code in field.codes:
            self.tell(f"  {code}: " + _("a date such as 2026-12-12, or Enter"))
            day = self.line()
            if day not in ("", "-"):
                dated[code] = day
        return dated or _KEEP

    def _flag(self) -> Any:
        self.tell("  " + _("1 yes, 2 no"))
        return {"1": True, "2": False, "-": None}.get(self.line(), _KEEP)

    def _entries(self, field: FormField, entries: dict[str, Any], name: Callable[[int], str]) -> Any:
        """A list that is added to or taken from, entry by entry."""
        changed = False
        if not entries:
            changed = self._add(field, entries, name)
        while True:
            for number, one in entries.items():
                self.tell(f"  {number}  {short(one)}")
            self.tell("  " + _("+ adds an entry, a number removes one, Enter goes on."))
            typed = self.line()
            if typed == "+":
                changed |= self._add(field, entries, name)
            elif typed in entries:
                del entries[typed]
                changed = True
            elif typed == "":
                return entries if changed else _KEEP

    def _add(self, field: FormField, entries: dict[str, Any], name: Callable[[int], str]) -> bool:
        entry = self._group(field.fields)
        if entry is _KEEP:
            return False
        number = len(entries) + 1
        while name(number) in entries:
            number += 1
        entries[name(number)] = entry
        return True

    def _group(self, fields: Sequence[FormField]) -> Any:
        """Each field of an entry, texts in one line. An entry whose first mandatory field stays empty is none."""
        entry: dict[str, Any] = {}
        for field in fields:
            while field.shape is not Shape.free:
                self._title(field, None)
                answer = self._answer(replace(field, is_line=True), None)
                if answer not in (_KEEP, None):
                    entry[field.name] = answer
                    break
                if not field.required:
                    break
                if not entry:
                    return _KEEP
                self.tell(_("This is needed. ! stops."), style="red")
        return entry or _KEEP

    def _list(self, codes: Sequence[str]) -> None:
        for number, code in enumerate(codes, start=1):
            word = self._words.get(code)
            self.tell(f"  {number:>2}  {code}" + (f"  {_(word)}" if word else ""))


def _read_line() -> str:
    """At a terminal by readline, since a terminal's own lines end at 4,096 bytes, in the middle of a paragraph that was
    pasted. Raises EOFError."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        import readline  # noqa: F401 - `input` uses it once it is there

        return input("> ")
    sys.stderr.write("> ")
    sys.stderr.flush()
    typed = sys.stdin.readline()
    if not typed:
        raise EOFError
    return typed


def short(value: Any) -> str:
    """A value in a part of a line."""
    if isinstance(value, Mapping):
        text = ", ".join(
            f"{name}: {short(one)}" if isinstance(one, Mapping) else str(one) for name, one in value.items()
        )
    elif isinstance(value, list | tuple):
        text = "; ".join(short(one) for one in value)
    else:
        text = str(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"


def _chosen(typed: str, codes: Sequence[str]) -> str | None:
    if typed in codes:
        return typed
    if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(codes):
        return codes[int(typed) - 1]
    return None
