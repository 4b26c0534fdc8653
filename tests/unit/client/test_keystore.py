"""Key files: sealed at rest, written whole or not at all, and silent about what they hold."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from client import key_file
from client.key_file import KeyFile, StoredGeneration, StoredKey, read_key_file, write_key_file
from client.keystore import (
    change_passphrase,
    create_auditor_key,
    create_keystore,
    create_operator_key,
    load_api_key,
    load_keystore,
    load_operator_key,
    read_kids,
    save_keystore,
    stage_keys,
)
from client.rewraps import rewrap_info
from client.signing import AuthorityKeys, SoftwareOpener
from shared.errors import KeyFileUnusable, KeyRefused, PassphraseWrong
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer, XWingOpener
from shared.keys.public import parse_ed25519

pytestmark = pytest.mark.usefixtures("cheap_guesses")
VECTORS = Path(__file__).parents[2] / "vectors/keys"
PASSPHRASE = "correct horse battery"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ma-pgr.keys"


def kids(keys: AuthorityKeys) -> tuple[str, ...]:
    return (*keys.signing_kids, keys.sealing_kid, keys.api_kid)


def test_an_authoritys_keys_come_back(path: Path) -> None:
    created = create_keystore(path, PASSPHRASE, "MA.PGR")
    loaded = load_keystore(path, PASSPHRASE)
    assert loaded.authority == "MA.PGR"
    assert kids(loaded) == kids(created)
    assert loaded.mldsa65.sign(b"x")
    assert created.ed25519.sign(b"x") == loaded.ed25519.sign(b"x")


def test_another_passphrase_opens_nothing(path: Path) -> None:
    create_keystore(path, PASSPHRASE, "MA.PGR")
    for wrong in (PASSPHRASE + " ", PASSPHRASE.upper(), ""):
        with pytest.raises(PassphraseWrong):
            load_keystore(path, wrong)


def test_one_passphrase_typed_on_two_systems_is_one_passphrase(path: Path) -> None:
    create_keystore(path, "été à la préfecture", "MA.PGR")  # composed
    load_keystore(path, "e\u0301te\u0301 a\u0300 la pre\u0301fecture")  # decomposed


def test_a_short_passphrase_is_refused_before_anything_is_written(path: Path) -> None:
    with pytest.raises(KeyFileUnusable, match="12 characters"):
        create_keystore(path, "eleven char", "MA.PGR")
    assert list(path.parent.iterdir()) == []


def test_only_its_owner_reads_the_file_and_no_draft_remains(path: Path) -> None:
    create_keystore(path, PASSPHRASE, "MA.PGR")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_existing_keys_are_not_overwritten_unless_asked(path: Path) -> None:
    created = create_keystore(path, PASSPHRASE, "MA.PGR")
    with pytest.raises(KeyFileUnusable, match="exists already"):
        create_keystore(path, PASSPHRASE, "MA.PGR")
    assert kids(load_keystore(path, PASSPHRASE)) == kids(created)
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_keys(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    created = create_keystore(path, PASSPHRASE, "MA.PGR")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(KeyFileUnusable, match="No space left"):
        stage_keys(path, PASSPHRASE)
    assert kids(load_keystore(path, PASSPHRASE)) == kids(created)
    assert {one for one in path.parent.iterdir() if one.suffix != ".keys-lock"} == {path}


def test_neither_seeds_nor_passphrase_stand_in_the_file_or_in_what_prints(path: Path) -> None:
    keys = create_keystore(path, PASSPHRASE, "MA.PGR")
    assert isinstance(keys.ed25519, Ed25519Signer)
    assert isinstance(keys.sealing, SoftwareOpener)
    file = read_key_file(path, PASSPHRASE)
    shown = path.read_text() + repr(keys) + repr(file) + repr(file.generations[0].keys)
    for seed in (keys.ed25519.seed, keys.sealing.key.seed):
        assert encode_b64u(seed) not in shown
        assert repr(seed) not in shown
    assert PASSPHRASE not in shown


def test_the_key_ids_are_read_without_the_passphrase(path: Path) -> None:
    keys = create_keystore(path, PASSPHRASE, "MA.PGR")
    owner, listed = read_kids(path)
    assert owner == "MA.PGR"
    assert [one["kid"] for one in listed] == list(kids(keys))


@pytest.mark.parametrize(
    ("member", "value"),
    [("owner", "BE.PF"), ("kids", []), ("sealed", "AAAA"), ("extra", 1)],
)
def test_an_altered_file_does_not_open(path: Path, member: str, value: object) -> None:
    create_keystore(path, PASSPHRASE, "MA.PGR")
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, member: value}))
    with pytest.raises(PassphraseWrong):
        load_keystore(path, PASSPHRASE)


@pytest.mark.parametrize("n", [2**10, 2**14, 2**15 + 1, 2**19, 2**30, -1, True, "131072"])
def test_scrypt_outside_its_bounds_is_refused_before_it_costs_anything(
    path: Path, monkeypatch: pytest.MonkeyPatch, n: object
) -> None:
    create_keystore(path, PASSPHRASE, "MA.PGR")
    document = json.loads(path.read_text())
    document["kdf"]["n"] = n
    path.write_text(json.dumps(document))
    monkeypatch.undo()  # the real bounds
    monkeypatch.setattr(key_file, "Scrypt", None)
    with pytest.raises(KeyFileUnusable, match="parameters"):
        load_keystore(path, PASSPHRASE)


def test_a_file_costs_a_guesser_128_megabytes_and_is_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    operator = create_operator_key(path, PASSPHRASE)
    kdf = json.loads(path.read_text())["kdf"]
    assert 128 * kdf["n"] * kdf["r"] == 128 * 1024 * 1024
    assert load_operator_key(path, PASSPHRASE).public == operator.public


def test_a_file_of_other_admitted_costs_is_read_and_renewed_at_todays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_file, "SCRYPT_N_READ", (16, 32))
    created = create_keystore(path, PASSPHRASE, "MA.PGR")
    monkeypatch.setattr(key_file, "SCRYPT_N", 32)
    assert kids(load_keystore(path, PASSPHRASE)) == kids(created)
    change_passphrase(path, PASSPHRASE, PASSPHRASE)
    assert json.loads(path.read_text())["kdf"]["n"] == 32
    assert kids(load_keystore(path, PASSPHRASE)) == kids(created)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o601])
def test_a_file_that_others_may_use_is_refused_and_says_how_to_mend_it(path: Path, mode: int) -> None:
    create_keystore(path, PASSPHRASE, "MA.PGR")
    path.chmod(mode)
    for read in (lambda: load_keystore(path, PASSPHRASE), lambda: read_kids(path)):
        with pytest.raises(KeyFileUnusable, match=f"mode 0{mode:o}.*chmod 600"):
            read()
    path.chmod(0o400)
    load_keystore(path, PASSPHRASE)


def test_a_torn_file_is_named_so_wherever_it_was_torn(path: Path) -> None:
    create_keystore(path, PASSPHRASE, "MA.PGR")
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 37):
        path.write_bytes(whole[:length])
        with pytest.raises(KeyFileUnusable, match="cut short"):
            load_keystore(path, PASSPHRASE)
    path.write_bytes(whole + b" " * key_file.MAX_FILE_BYTES)
    with pytest.raises(KeyFileUnusable, match="more than"):
        load_keystore(path, PASSPHRASE)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "not json", '{"format":"comity-keys/1"}', '{"format":"comity-keys/2","owner":1,"kids":[]}']
)
def test_what_is_no_key_file_is_named_so(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(KeyFileUnusable):
        read_kids(path)


@pytest.mark.parametrize("member", ["sealed", "kdf", "cipher"])
def test_a_file_without_a_member_is_named_so(path: Path, member: str) -> None:
    create_keystore(path, PASSPHRASE, "MA.PGR")
    document = json.loads(path.read_text())
    del document[member]
    path.write_text(json.dumps(document))
    with pytest.raises(KeyFileUnusable, match="member"):
        load_keystore(path, PASSPHRASE)


def test_a_file_that_is_not_there_is_named_so(path: Path) -> None:
    with pytest.raises(KeyFileUnusable, match="No such file"):
        load_keystore(path, PASSPHRASE)


def test_operators_and_auditors_hold_one_key(tmp_path: Path) -> None:
    operator = create_operator_key(tmp_path / "operator.keys", PASSPHRASE)
    assert load_operator_key(tmp_path / "operator.keys", PASSPHRASE).public == operator.public
    listed = read_kids(tmp_path / "operator.keys")[1]
    assert [(one["use"], one["kid"]) for one in listed] == [("sign-ed25519", operator.kid("operator"))]
    auditor = create_auditor_key(tmp_path / "auditor.keys", PASSPHRASE, "MA.AUDIT")
    assert load_api_key(tmp_path / "auditor.keys", PASSPHRASE)[0] == "MA.AUDIT"
    assert load_api_key(tmp_path / "auditor.keys", PASSPHRASE)[1].public == auditor.public


def test_an_auditors_file_gives_no_authoritys_keys(path: Path) -> None:
    create_auditor_key(path, PASSPHRASE, "MA.AUDIT")
    with pytest.raises(KeyFileUnusable, match="sign-ed25519"):
        load_keystore(path, PASSPHRASE)


def test_a_key_belongs_to_somebody_who_can_own_one(path: Path) -> None:
    with pytest.raises(KeyFileUnusable, match="cannot own"):
        write_key_file(
            path, PASSPHRASE, KeyFile("nobody", (StoredGeneration(NOW, NOW, (StoredKey("api-ed25519", bytes(32)),)),))
        )
    with pytest.raises(KeyRefused):
        create_keystore(path, PASSPHRASE, "operator")


def test_a_key_that_lies_in_hardware_is_not_stored(path: Path) -> None:
    class Module:
        public = bytes(32)

        def kid(self, owner: str) -> str:
            return f"{owner}#module"

        def sign(self, data: bytes) -> bytes:
            return data

    soft = create_keystore(path, PASSPHRASE, "MA.PGR")
    hard = AuthorityKeys("MA.PGR", Module(), soft.mldsa65, soft.sealing, soft.api)
    with pytest.raises(KeyFileUnusable, match="does not lie in this process"):
        save_keystore(path.with_suffix(".hard"), PASSPHRASE, hard)


def test_the_published_key_file_opens(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    vector = json.loads((VECTORS / "key-file.json").read_text())
    path.touch(mode=0o600)
    path.write_text(json.dumps(vector["file"]))
    keys = load_keystore(path, vector["passphrase"])
    listed = vector["file"]["kids"]
    assert keys.own_kids == {one["kid"] for one in listed}
    assert keys.coming is not None
    assert {key.kid("MA.PGR") for key in keys.coming.keys.values()} == {
        one["kid"] for one in listed if not one["since"]
    }
    assert read_kids(path) == ("MA.PGR", listed)
    parse_ed25519(keys.ed25519.public).verify(keys.ed25519.sign(b"x"), b"x")


def test_the_published_re_wrap_opens() -> None:
    vector = json.loads((VECTORS / "rewrap.json").read_text())
    key = SoftwareOpener(XWingOpener(parse_b64u(vector["seed"])))
    info = rewrap_info(parse_b64u(vector["context"]), vector["kid"])
    assert (info, key.kid("MA.PGR")) == (parse_b64u(vector["info"]), vector["kid"])
    assert key.open_wrap(parse_b64u(vector["rewrap"]), info) == parse_b64u(vector["secret"])
