"""The search for plaintexts finds them: in every form, at every place, cut by pages, deleted, in the log of writes."""

import base64
import gzip
import json
import secrets
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from comity.plaintext_scan import Finding, PlaintextScanner, scan_directory

SECRETS = (
    "Relevés du compte BE71 9990 1234 5669 ouvert à Gand le 1er février 2026",
    "تحويلات مشبوهة من حساب الشركة إلى أشخاص غير معروفين في الخارج",
    "Мария Иванова, дом 7",
    "virements-2026.csv",
    "安特卫普银行账户余额的证明文件原件",
    "Dupont, Édouard",  # one piece
)
FORMS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-16LE": lambda text: text.encode("utf-16-le"),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper().encode(),
    "base64": lambda text: base64.b64encode(text.encode() + b"\xff"),
    "base64, second alignment": lambda text: base64.b64encode(b"1" + text.encode() + b"\xff"),
    "base64, third alignment": lambda text: base64.b64encode(b"12" + text.encode() + b"\xff"),
    "base64url": lambda text: base64.urlsafe_b64encode(b'{"body":"' + text.encode() + b'"}').rstrip(b"="),
    "JSON": lambda text: json.dumps({"text": text}).encode(),
    "UTF-16BE": lambda text: text.encode("utf-16-be"),
    "percent": lambda text: quote(text).encode(),
    "Python": lambda text: repr(text.encode()).encode(),
    "Erlang": lambda text: ("<<" + ",".join(str(one) for one in text.encode()) + ">>").encode(),
    "octal": lambda text: "".join(chr(b) if 32 <= b < 127 else f"\\{b:03o}" for b in text.encode()).encode(),
    "gzip": lambda text: gzip.compress(b'{"more":"' + text.encode() + b'"}'),
    "zlib in base64": lambda text: base64.b64encode(zlib.compress(b'{"more":"' + text.encode() + b'"}')),
    "base64 in hexadecimal": lambda text: base64.b64encode(b'{"header":"' + text.encode() + b'"}').hex().encode(),
    "base64 in base64": lambda text: base64.b64encode(b'{"v":1,"header":"' + base64.b64encode(text.encode()) + b'"}'),
}


def _noise(size: int) -> bytes:
    return secrets.token_bytes(size)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_a_plaintext_is_found_in_each_form_and_at_each_offset(form: str, number: int) -> None:
    scanner = PlaintextScanner(SECRETS)
    for offset in range(17):
        # a quote on either side, as in JSON: a base64 text that begins in the midst of others has no alignment
        data = _noise(1000 + offset) + b'"' + FORMS[form](SECRETS[number]) + b'"' + _noise(100)
        found = {one.number for one in scanner.search_unwrapped(data, "here")}
        assert found == {number}, offset


def test_nothing_is_found_where_nothing_lies() -> None:
    assert PlaintextScanner(SECRETS).search_unwrapped(_noise(2_000_000), "noise") == set()
    assert PlaintextScanner(SECRETS).search_unwrapped(base64.b64encode(_noise(500_000)), "noise") == set()


@pytest.mark.parametrize("piece", [slice(0, 20), slice(-20, None), slice(30, 50)])
def test_a_piece_of_a_plaintext_is_found(piece: slice) -> None:
    text = secrets.token_hex(40)
    assert PlaintextScanner([text]).search(_noise(77) + text[piece].encode() + _noise(9), "a cut log line")


def test_binary_plaintexts_are_found() -> None:
    data = _noise(60)
    assert PlaintextScanner([data]).search_unwrapped(b"x" + base64.b64encode(b"y" + data), "here")


def test_many_plaintexts_are_told_apart() -> None:
    texts = [secrets.token_hex(20) for _ in range(2000)]
    scanner = PlaintextScanner(texts)
    found = scanner.search(b"..".join(_noise(13) + text.encode() for text in texts[::2]), "half of them")
    assert {one.number for one in found} == set(range(0, 2000, 2))


def test_a_plaintext_that_chance_could_make_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        PlaintextScanner(["virement"[:7]])


def _database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, frame BLOB, said TEXT)")
    return database


def test_plaintexts_in_overflow_pages_are_found_wherever_the_page_cuts_them(tmp_path: Path) -> None:
    """A value of 20 kB spans five pages of 4096 bytes; the plaintext crosses a border at each possible byte."""
    texts = [f"{number:02} {secrets.token_hex(20)}" for number in range(64)]
    with closing(_database(tmp_path / "exchange.sqlite3")) as database:
        for number, text in enumerate(texts):
            value = _noise(7820 + number) + text.encode() + _noise(12_280 - number)
            database.execute("INSERT INTO kept (frame) VALUES (?)", (value,))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = scan_directory([tmp_path], texts)
    assert {one.number for one in found if one.where.endswith("kept.frame")} == set(range(64))
    whole = sum(text.encode() in (tmp_path / "exchange.sqlite3").read_bytes() for text in texts)
    assert 0 < whole < 40, "too few plaintexts were cut by a page: this test shows nothing"
    assert {one.number for one in found if one.where.endswith("exchange.sqlite3")} == set(range(64))


def test_a_plaintext_that_was_deleted_still_lies_in_its_page(tmp_path: Path) -> None:
    with closing(_database(tmp_path / "exchange.sqlite3")) as database:
        database.execute("PRAGMA secure_delete = OFF")  # Debian's SQLite wipes by default, others do not
        database.execute("INSERT INTO kept (said) VALUES (?)", (SECRETS[0],))
        database.execute("DELETE FROM kept")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert Finding(0, "plain", str(tmp_path / "exchange.sqlite3")) in scan_directory([tmp_path], SECRETS)


def test_a_plaintext_in_the_write_ahead_log_is_found(tmp_path: Path) -> None:
    with closing(_database(tmp_path / "exchange.sqlite3")) as database:
        database.execute("INSERT INTO kept (said) VALUES (?)", (SECRETS[1],))
        found = {(one.number, Path(one.where.split(":")[0]).name) for one in scan_directory([tmp_path], SECRETS)}
    assert found == {(1, "exchange.sqlite3-wal"), (1, "exchange.sqlite3")}


def test_a_plaintext_in_the_name_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / SECRETS[3]).write_bytes(b"")
    assert [one.number for one in scan_directory([tmp_path], SECRETS)] == [3]


def test_a_single_file_can_be_searched_and_a_missing_place_is_no_success(tmp_path: Path) -> None:
    log = tmp_path / "exchange.log"
    log.write_text(f"refused: {SECRETS[2]}\n")
    assert [one.number for one in scan_directory([log], SECRETS)] == [2]
    with pytest.raises(ValueError, match="nothing at"):
        scan_directory([tmp_path / "another"], SECRETS)
