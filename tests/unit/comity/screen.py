"""A terminal of its own for one command, and what a camera in front of it reads."""

from __future__ import annotations

import os
import re
import sys
import threading
from itertools import pairwise

import pytest
import zxingcpp

from comity.main import app

CELL_WIDTH, CELL_HEIGHT = 4, 8
# Which halves of its cell a character fills with its own colour; letters are noise to the camera and left out.
_FILLED = {"█": (True, True), "▀": (True, False), "▄": (False, True)}
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
# Black on white as terminals are told it that know all colours, 256 of them, or 16.
_BLACK_ON_WHITE = frozenset({"38;2;0;0;0;48;2;255;255;255", "38;5;16;48;5;231", "30;107"})


def on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, columns: int = 80, lines: int = 24, encoding: str = "utf-8"
) -> str:
    """What the command writes to a pseudo-terminal of this size."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    ours, its = os.openpty()
    read: list[bytes] = []

    def listen() -> None:
        try:
            while part := os.read(ours, 4096):
                read.append(part)
        except OSError:  # Linux's way to say that the other end was closed
            pass

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        with open(its, "w", encoding=encoding) as terminal, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal)
            app(list(arguments), standalone_mode=False)
    finally:
        listener.join()
        os.close(ours)
    return b"".join(read).decode(encoding).replace("\r\n", "\n")


def scanned(written: str, *, ink: int, paper: int) -> list[str]:
    """The QR codes that a strict reader sees, black on white only, where text is `ink` on `paper` of its own accord."""
    rows: list[bytes] = []
    width = 80 * CELL_WIDTH
    for line in written.split("\n"):
        halves = [bytearray(), bytearray()]
        colours = (ink, paper)
        for start, end in pairwise([(0, 0), *(found.span() for found in _SGR.finditer(line)), (len(line), len(line))]):
            if sequence := _SGR.fullmatch(line[start[0] : start[1]]):
                colours = (0, 255) if sequence[1] in _BLACK_ON_WHITE else (ink, paper)
            for character in line[start[1] : end[0]]:
                for half, filled in zip(halves, _FILLED.get(character, (False, False)), strict=True):
                    half += bytes([colours[0] if filled else colours[1]]) * CELL_WIDTH
        for half in halves:
            rows += [bytes(half[:width].ljust(width, bytes([paper])))] * (CELL_HEIGHT // 2)
    picture = memoryview(b"".join(rows)).cast("B", shape=[len(rows), width])
    return [code.text for code in zxingcpp.read_barcodes(picture, try_invert=False)]
