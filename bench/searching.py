"""`comity search` in a register of many dossiers, and what a search costs that need not keep it sealed.

Rules:
1. The register is made by the client's own code: a message of each dossier, its words sealed to the authority's key.
   Making it is not measured.
2. Its peers look for the same words in the same texts, in clear: SQLite's full-text index (FTS5, without accents), and
   `grep -ril` over a file for each message. Each finds what ours finds, or the benchmark ends.
3. A round asks each for a word that stands in few letters, and for one that stands in none, one after the other.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.figures import spread
from client.casebook import Casebook
from client.register import Register
from client.register_rows import Entry
from client.signing import AuthorityKeys, generate_authority_keys
from shared.domain.header import REQUIRED_SIGNATURES, SUITE, Basis, Header, Urgency, encode_header
from shared.domain.ids import encode_time, new_uuid7

AUTHORITY: Final = "MA.PGR"
SENDER: Final = "FR.BEPI"
RARE: Final = "benslimane"
ABSENT: Final = "zanzibar"
ONE_IN: Final = 500
WORDS: Final = 300
"""Words in the facts of a letter, some 2 kB: as long as those of the demonstration."""
_SYLLABLES: Final = ("ca", "ré", "mo", "ti", "lan", "bú", "so", "ner", "pa", "vi", "des", "qua")
_FTS: Final = "SELECT message FROM letters WHERE letters MATCH ?"
Say = Callable[[str], None]


def measure_search(dossiers: int, rounds: int, seed: int, place: Path, say: Say) -> tuple[dict[str, Any], list[str]]:
    """Seconds of each, and what to print. `place` is an empty folder for everything that is made."""
    chance = random.Random(seed)
    keys = generate_authority_keys(AUTHORITY)
    register = Register(place / "register.sqlite3")
    letters = _make(dossiers, chance, keys, register, say)
    index = _index(place / "clear.sqlite3", letters)
    files = place / "clear"
    files.mkdir()
    for message, text in letters.items():
        (files / message).write_text(text)
    asked: dict[str, Callable[[str], set[str]]] = {
        "comity search": lambda word: {hit.noted.message for hit in Casebook(keys, register).search([word])},
        "SQLite FTS5 in clear": lambda word: {one for (one,) in index.execute(_FTS, (f'"{word}"',))},
        "grep -ril in clear": lambda word: _grep(files, word),
    }
    seconds: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(rounds):
        for name, ask in chance.sample(list(asked.items()), len(asked)):
            for word in (RARE, ABSENT):
                began = time.perf_counter()
                found = ask(word)
                seconds[name].append(time.perf_counter() - began)
                expected = {message for message, text in letters.items() if word in text.casefold()}
                if found != expected:
                    raise SystemExit(f"{name} found {len(found)} letters with {word}, there are {len(expected)}")
        say(f"round {number + 1} of {rounds}")
    register.close()
    figures = {name: spread(took) for name, took in seconds.items()}
    document = {"dossiers": dossiers, "seed": seed, "seconds": {name: asdict(one) for name, one in figures.items()}}
    table = [f"{name:<22} {one.median:9.4f} s  ({one.low:.4f} to {one.high:.4f})" for name, one in figures.items()]
    return document, [f"{dossiers} dossiers, a word in one of {ONE_IN} and a word in none:", *table]


def _make(dossiers: int, chance: random.Random, keys: AuthorityKeys, register: Register, say: Say) -> dict[str, str]:
    """Message → its facts, as they are kept in the register."""
    letters: dict[str, str] = {}
    casebook, now = Casebook(keys, register), datetime.now(UTC)
    for number in range(dossiers):
        words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) for _ in range(WORDS)]
        if number % ONE_IN == 0:
            words[WORDS // 2] = "Benslimane"
        header = _header(now)
        register.keep_incoming(_entry(header), encode_time(now))
        register.note_opened(header.id, encode_time(now))
        letters[header.id] = " ".join(words)
        casebook.note(header, {"file_number": f"2026/{number}", "facts": letters[header.id]}, ())
        if number % 2000 == 0:
            say(f"{number} of {dossiers} dossiers made")
    return letters


def _header(now: datetime) -> Header:
    return Header(
        v=1,
        suite=SUITE,
        exchange="comity.example/bench",
        id=new_uuid7(now),
        dossier=new_uuid7(now),
        profile="mla-request",
        kind="request",
        sender=SENDER,
        recipients=(AUTHORITY,),
        leg=None,
        measures={"M1": "bank-data"},
        basis={AUTHORITY: Basis(primary="ma-fr-2008", cited=(), group=None)},
        urgency=Urgency.routine,
        handling=(),
        in_reply_to=None,
        seen=None,
        sent_at=encode_time(now),
        expires_at=encode_time(now + timedelta(days=1)),
        required_sigs=REQUIRED_SIGNATURES,
        act={},
    )


def _entry(header: Header) -> Entry:
    return Entry(
        message=header.id,
        dossier=header.dossier,
        profile=header.profile,
        kind=header.kind,
        sender=header.sender,
        recipients=tuple(header.recipients),
        leg=header.leg,
        legs=(AUTHORITY,),
        in_reply_to=None,
        digest=header.id,
        seen=None,
        changes_state=True,
        header=encode_header(header),
        jws=b"{}",
    )


def _index(file: Path, letters: dict[str, str]) -> sqlite3.Connection:
    database = sqlite3.connect(file)
    database.execute(
        "CREATE VIRTUAL TABLE letters USING fts5(message UNINDEXED, facts, tokenize='unicode61 remove_diacritics 2')"
    )
    database.executemany("INSERT INTO letters VALUES (?, ?)", letters.items())
    database.commit()
    return database


def _grep(files: Path, word: str) -> set[str]:
    done = subprocess.run(["grep", "-ril", word, str(files)], capture_output=True, text=True, check=False)
    return {Path(line).name for line in done.stdout.splitlines()}
