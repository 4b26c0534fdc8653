"""The messages of a round: composed, sealed and signed by the client's own code before the round begins.

Each opens a dossier with one recipient: the fullest of all messages, with a dossier, a leg, its clocks and its check
against the instruments. They are kept in a file, in the order in which they will be sent, everybody in turn.
"""

from __future__ import annotations

import itertools
import multiprocessing
import struct
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.parties import RECIPIENTS, SENDERS, Parties
from client.composition import compose_request
from client.request_file import MeasureAsked, RequestFile
from client.sealing import Attachment, seal_message

_CHUNK: Final = 200
_HEAD: Final = struct.Struct(">BBI36s")
"""Sender, recipient, length of the submission, message id."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A submission that is ready to be posted. `sender` and `recipient` are places in SENDERS and RECIPIENTS."""

    sender: int
    recipient: int
    message: str
    submission: bytes


def write_letters(path: Path, parties: Parties, count: int, body_bytes: int, workers: int = 2) -> None:
    """Seal `count` messages with a text of so many bytes; the work is shared among processes."""
    chunks = [range(first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK)]
    forked = multiprocessing.get_context("fork")  # keys are inherited: they cannot be handed over
    with (
        path.open("wb") as file,
        ProcessPoolExecutor(workers, forked, _inherit, (parties, body_bytes)) as pool,
    ):
        for sealed in pool.map(_seal_chunk, chunks):
            file.write(sealed)


@contextmanager
def sealing_on(path: Path, parties: Parties, body_bytes: int) -> Iterator[None]:
    """Another process goes on sealing into this file, for rounds too long to be sealed before: it has a lead."""
    forked = multiprocessing.get_context("fork")
    sealing = forked.Process(target=_seal_on, args=(path, parties, body_bytes), daemon=True)
    sealing.start()
    try:
        yield
    finally:
        sealing.kill()
        sealing.join()


def _seal_on(path: Path, parties: Parties, body_bytes: int) -> None:
    _inherit(parties, body_bytes)
    with path.open("ab", buffering=0) as file:
        for first in itertools.count(step=_CHUNK):
            file.write(_seal_chunk(range(first, first + _CHUNK)))


def read_letters(path: Path) -> Iterator[Letter]:
    """One after the other, so that a long round does not hold them all."""
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            sender, recipient, length, message = _HEAD.unpack(head)
            yield Letter(sender, recipient, message.decode(), file.read(length))


def seal_letter(parties: Parties, number: int, body_bytes: int) -> Letter:
    """The letter with this number. What does not fit the text's field travels as an attachment, inline."""
    sender, recipient = number % len(SENDERS), (number // len(SENDERS)) % len(RECIPIENTS)
    keys, to = parties.keys[SENDERS[sender]], RECIPIENTS[recipient]
    text = "x" * (body_bytes if body_bytes <= 10_000 else 100)
    composed = compose_request(
        _request(text),
        exchange=parties.trust.origin,
        sender=keys.authority,
        recipients=[to],
        instrument="quadripartite",
        registry=parties.registry,
        now=datetime.now(UTC),
    )
    attachments = (
        [] if body_bytes <= 10_000 else [Attachment("pieces.bin", "application/octet-stream", b"x" * body_bytes)]
    )
    sealed = seal_message(composed.header, composed.content, attachments, keys, {to: parties.sealing[to]})
    if sealed.uploads:
        raise ValueError(f"an attachment of {body_bytes} bytes does not travel inside the submission")
    return Letter(sender, recipient, composed.header.id, sealed.submission)


_inherited: list[tuple[Parties, int]] = []


def _inherit(parties: Parties, body_bytes: int) -> None:
    _inherited.append((parties, body_bytes))


def _seal_chunk(numbers: range) -> bytes:
    sealed = bytearray()
    for number in numbers:
        letter = seal_letter(_inherited[0][0], number, _inherited[0][1])
        sealed += _HEAD.pack(letter.sender, letter.recipient, len(letter.submission), letter.message.encode())
        sealed += letter.submission
    return bytes(sealed)


def _request(text: str) -> RequestFile:
    """Not all of the parties are those through which the instrument has requests pass: the registry warns."""
    request = RequestFile(
        v=1,
        measures={"M1": MeasureAsked(type="bank-data", target="Atlas Négoce")},
        content={
            "requesting_authority": "Parquet général",
            "subject_matter": "Blanchiment",
            "nature_of_proceeding": "Information judiciaire",
            "conducting_authority": "Le juge d'instruction",
            "facts": text,
            "assistance_sought": "Les relevés des comptes",
            "purpose": "Preuve au procès",
        },
    )
    return request.despite("A measurement")
