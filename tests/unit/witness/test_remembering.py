"""What a witness keeps in its directory, and how it is made."""

from __future__ import annotations

import errno
import json
from datetime import timedelta
from pathlib import Path

import pytest

from shared.audit.checkpoint import encode_checkpoint, parse_checkpoint
from shared.audit.notes import SignatureType, encode_vkey, parse_vkey, verify_note
from shared.audit.signers import signer_from_seed
from shared.audit.witness_protocol import encode_add_checkpoint, place_of
from shared.errors import LedgerInvalid, SettingsRefused
from tests.unit.audit.paper_log import ORIGIN, log_signers
from tests.unit.witness.watching import NAME, NOW, Log, Witness
from witness import keys as keys_module
from witness import memory as memory_module
from witness.keys import WitnessKeys, init_witness, load_witness
from witness.memory import WitnessMemory, add_log, renew_log

# --- what it remembers


async def test_it_remembers_across_a_restart(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 7))
    again = await witness.restarted()
    assert (await again.add(log.request(0, 3))).content == b"7\n"
    assert (await again.add(log.request(7, 307))).status_code == 200
    await again.close()


async def test_it_shows_what_it_cosigned_last(witness: Witness, log: Log, keys: WitnessKeys) -> None:
    path = f"/{place_of(ORIGIN)}/checkpoint"
    assert (await witness.http.get(path)).status_code == 404
    stranger = b"\xe2\x80\x94 stranger.example AAAAAAAAAAAA\n"
    await witness.add(log.request(0, 3) + stranger)
    shown = (await witness.http.get(path)).content
    assert shown.startswith(log.notes[3])
    assert b"stranger" not in shown
    verify_note(shown, keys=(), require=[one.vkey for one in keys.signers])


async def test_on_a_full_disk_nothing_is_cosigned_and_nothing_is_forgotten(
    witness: Witness, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await witness.add(log.request(0, 3))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(memory_module, "write_durably", full)
        answer = await witness.add(log.request(3, 7))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert b"\xe2\x80\x94" not in answer.content
        assert (await witness.http.get("/readyz")).status_code == 503
        assert (await witness.add(log.request(0, 3))).content == b"3\n"
        assert (await witness.add(encode_add_checkpoint(3, [], log.notes[3]))).status_code == 200
        answer = await witness.http.get("/readyz")
        assert answer.status_code == 503, "what needs no room says nothing about it"
        assert "cannot be written: No space left on device" in answer.json()["why"]
        assert "database" not in answer.json()["why"]
    assert (await witness.http.get("/readyz")).status_code == 200, "nobody sends it calls before it is ready"
    assert (await witness.add(log.request(3, 7))).status_code == 200


async def test_it_dates_nothing_before_what_it_dated_last(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 3))
    again = await witness.restarted()
    for now in (NOW - timedelta(seconds=1), NOW - timedelta(days=365)):
        again.now = now
        for request in (log.request(3, 7), encode_add_checkpoint(3, [], log.notes[3])):
            answer = await again.add(request)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert (await again.add(log.request(0, 3))).content == b"3\n"
    assert "31536000 s behind" in (await again.http.get("/readyz")).json()["why"]
    again.now = NOW
    assert (await again.http.get("/readyz")).status_code == 200
    assert (await again.add(log.request(3, 7))).status_code == 200
    again.now = NOW + timedelta(hours=1)
    await again.add(encode_add_checkpoint(7, [], log.notes[7]))
    again.now = NOW + timedelta(minutes=59)
    assert (await again.add(log.request(7, 307))).status_code == 503, "also what was cosigned again"
    await again.close()


async def test_a_lost_file_makes_the_log_unknown_and_never_new(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 7))
    again = await witness.restarted()
    await again.close()
    next((witness.directory / "logs").iterdir()).unlink()
    forgot = Witness(witness.directory)
    assert (await forgot.add(log.request(0, 3))).status_code == 404
    await forgot.close()


def test_a_file_that_was_changed_by_hand_is_refused(keys: WitnessKeys, tmp_path: Path, log: Log) -> None:
    file = next((tmp_path / "w" / "logs").iterdir())
    whole = json.loads(file.read_bytes())
    changes: list[dict[str, object]] = [{"size": 4}, {"v": "x"}, {"vkeys": []}, {"root": "AA=="}, {"origin": "o"}]
    changes.append({"note": "x"})
    for change in changes:
        changed = {**whole, "note": log.notes[3].decode(), "size": 3, **change}
        file.write_text(json.dumps(changed))
        with pytest.raises(SettingsRefused):
            WitnessMemory(tmp_path / "w")


def test_one_directory_has_one_process(witness: Witness) -> None:
    with pytest.raises(SettingsRefused, match="another process"):
        WitnessMemory(witness.directory)


# --- how it is made


def test_keys_that_others_may_read_are_refused(keys: WitnessKeys, tmp_path: Path) -> None:
    (tmp_path / "w" / "key.json").chmod(0o640)
    with pytest.raises(SettingsRefused, match="others may use"):
        load_witness(tmp_path / "w")


def test_keys_of_another_witness_are_refused(keys: WitnessKeys, tmp_path: Path) -> None:
    init_witness(tmp_path / "v", NAME)
    (tmp_path / "v" / "key.json").rename(tmp_path / "w" / "key.json")
    with pytest.raises(SettingsRefused, match="not those"):
        load_witness(tmp_path / "w")


def test_a_witness_is_made_once_and_under_a_name_that_can_be_one(keys: WitnessKeys, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="already"):
        init_witness(tmp_path / "w", NAME)
    for name in ("", "a b", "a+b", "x" * 256):
        with pytest.raises(SettingsRefused, match="name"):
            init_witness(tmp_path / "u", name)
    assert not (tmp_path / "u").exists()
    types = [parse_vkey(text).type for text in keys.vkeys]
    assert types == [SignatureType.MLDSA44, SignatureType.ED25519_COSIGNATURE]
    assert keys.vkeys == [encode_vkey(one.vkey) for one in keys.signers]


def test_a_witness_is_made_in_a_directory_of_its_own(keys: WitnessKeys, tmp_path: Path) -> None:
    """Not among the files of an exchange, whose lock has the same name, nor over what is left of another witness."""
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange" / "exchange.sqlite3").touch()
    with pytest.raises(SettingsRefused, match="holds other things"):
        init_witness(tmp_path / "exchange", NAME)
    assert [each.name for each in (tmp_path / "exchange").iterdir()] == ["exchange.sqlite3"]
    (tmp_path / "w" / "logs").rename(tmp_path / "elsewhere")
    with pytest.raises(SettingsRefused, match="if it never served, delete"):
        init_witness(tmp_path / "w", NAME)
    (tmp_path / "volume" / "lost+found").mkdir(parents=True)
    init_witness(tmp_path / "volume", NAME)
    with pytest.raises(SettingsRefused, match="cannot be written: Not a directory"):
        init_witness(tmp_path / "exchange" / "exchange.sqlite3" / "w", NAME)


def test_one_whose_making_was_broken_off_serves_nobody_and_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, *_: object) -> None:
        if file.name == "witness.json":
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        file.touch(0o600)

    with monkeypatch.context() as patched:
        patched.setattr(keys_module, "write_durably", full)
        with pytest.raises(SettingsRefused, match="No space left"):
            init_witness(tmp_path / "w", NAME)
    with pytest.raises(SettingsRefused, match="comity witness init"):
        WitnessMemory(tmp_path / "w")
    with pytest.raises(SettingsRefused, match="not finished"):
        init_witness(tmp_path / "w", NAME)


async def test_a_log_may_be_watched_from_a_checkpoint_on(witness: Witness, log: Log) -> None:
    vkeys = [signer.vkey for signer in log_signers()]
    with pytest.raises(SettingsRefused, match="already"):
        add_log(witness.directory, ORIGIN, vkeys, None)
    await witness.close()
    next((witness.directory / "logs").iterdir()).unlink()
    with pytest.raises(LedgerInvalid):
        add_log(witness.directory, ORIGIN, [log_signers("other")[0].vkey], log.notes[7])
    add_log(witness.directory, ORIGIN, vkeys, log.notes[7])
    begins = Witness(witness.directory)
    assert (await begins.add(log.request(0, 3))).content == b"7\n"
    assert (await begins.add(log.request(7, 307))).status_code == 200
    await begins.close()


def test_a_directory_that_is_no_witness_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="comity witness init"):
        WitnessMemory(tmp_path)
    with pytest.raises(SettingsRefused, match="comity witness init"):
        load_witness(tmp_path)


# --- a log with new keys


async def test_a_log_is_watched_on_under_its_new_keys_from_where_it_was(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 7))
    new = [
        signer_from_seed(ORIGIN, SignatureType.ED25519, b"1" * 32),
        signer_from_seed(ORIGIN, SignatureType.MLDSA44, b"2" * 32),
    ]
    old_request = log.request(7, 307)
    log.notes[307] = encode_checkpoint(parse_checkpoint(log.notes[307]), new[0], new[1])
    assert (await witness.add(log.request(7, 307))).status_code == 403
    known = [one.vkey for one in log_signers()]
    with pytest.raises(SettingsRefused, match="not those that were changed"):
        renew_log(witness.directory, ORIGIN, known, [[one.vkey for one in new]])
    with pytest.raises(SettingsRefused, match="not watched here"):
        renew_log(witness.directory, "other.test/log", known, [known])
    assert renew_log(witness.directory, ORIGIN, [one.vkey for one in new], [known]).size == 7
    again = await witness.restarted()
    assert (await again.add(old_request)).status_code == 403
    assert (await again.add(log.request(0, 307))).content == b"7\n"
    assert (await again.add(log.request(7, 307))).status_code == 200
    await again.close()
