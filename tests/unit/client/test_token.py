"""Two of the four keys in a hardware token: they sign, call and are renewed there, and nothing signs without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.key_file import TokenKey, read_key_file
from client.keystore import create_keystore, load_api_key, load_keystore, read_kids, settle_keys, stage_keys
from client.signing import AuthorityKeys
from client.token import Token
from comity.home import find_home
from comity.main import app
from shared.errors import KeyFileUnusable, KeyModuleUnusable, SettingsRefused
from shared.keys.custody import Opener, Signer
from shared.keys.possession import parse_entry_public, verify_possession
from shared.keys.public import parse_ed25519, parse_mldsa65
from tests.unit.client.letters import FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.softhsm import PIN, SoftHsm, make_softhsm, missing_softhsm

pytestmark = [
    pytest.mark.skipif(bool(missing_softhsm()), reason=missing_softhsm() or "there"),
    pytest.mark.usefixtures("cheap_guesses"),
]
PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    return make_softhsm(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture
def token(softhsm: SoftHsm) -> Iterator[Token]:
    opened = Token(softhsm.module, softhsm.pin, label=softhsm.label)
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def keys(path: Path, token: Token) -> AuthorityKeys:
    return create_keystore(path, PASSPHRASE, "ES.SGCJI", module=token)


def token_keys(path: Path) -> dict[str, TokenKey]:
    generations = read_key_file(path, PASSPHRASE).generations
    return {key.use: key for one in generations for key in one.keys if isinstance(key, TokenKey)}


def test_every_kind_of_holder_stands_behind_the_protocols(keys: AuthorityKeys) -> None:
    assert all(isinstance(key, Signer) for key in (keys.ed25519, keys.mldsa65, keys.api))
    assert isinstance(keys.sealing, Opener)


def test_the_ed25519_keys_lie_in_the_token_and_the_others_in_the_file(path: Path, keys: AuthorityKeys) -> None:
    assert set(token_keys(path)) == {"sign-ed25519", "api-ed25519"}
    in_token = {one["use"] for one in read_kids(path)[1] if one["token"]}
    assert in_token == {"sign-ed25519", "api-ed25519"}
    assert len({one["kid"] for one in read_kids(path)[1]}) == 4


def test_private_halves_cannot_be_taken_out_of_the_token(path: Path, keys: AuthorityKeys, token: Token) -> None:
    from pkcs11 import Attribute, ObjectClass

    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: token_keys(path)["sign-ed25519"].object_id}
    (private,) = token._session.get_objects(wanted)
    told = (private[Attribute.SENSITIVE], private[Attribute.EXTRACTABLE], private[Attribute.NEVER_EXTRACTABLE])
    assert told == (True, False, True)


def test_keys_in_a_token_prove_themselves_as_others_do(keys: AuthorityKeys) -> None:
    pair = parse_ed25519(keys.ed25519.public), parse_mldsa65(keys.mldsa65.public)
    now = datetime.now(UTC)
    entries = keys.prove(now, now + timedelta(days=365))
    assert len(entries) == 4
    for entry in entries:
        verify_possession("ES.SGCJI", entry, parse_entry_public(entry), pair)


def test_an_authority_whose_keys_lie_in_a_token_corresponds(
    exchange: PaperExchange, path: Path, keys: AuthorityKeys, token: Token, tmp_path: Path
) -> None:
    """Its calls are signed by the token, its envelope by token and file; intake, recipient and exchange verify both."""
    from shared.keys.event_document import NameDocument

    entries = keys.prove(exchange.now - timedelta(days=1), exchange.now + timedelta(days=365))
    name = NameDocument(official="Madrid", languages={})
    exchange.record_event("enrol", "ES.SGCJI", keys=entries, role="authority", name=name, country="ES")
    rabat = exchange.correspond(MA, tmp_path)
    dossier = open_dossier(rabat, "ES.SGCJI", FR)
    again = load_keystore(path, PASSPHRASE, module=token)  # as the next command would
    with exchange.correspond_with(again, tmp_path, exchange.trust()) as madrid:
        madrid.mailbox.read_feed()
        received = madrid.register.received()[0].message
        assert madrid.mailbox.open(received).content["facts"] == "Money moved."
        answer = reply(madrid, dossier, "acknowledge")
    signed = exchange.envelopes[answer]
    assert [one.kid for one in signed.jws.signatures] == list(keys.signing_kids)
    assert exchange.decisions[answer]["decision"] == "accepted"
    assert rabat.mailbox.read_feed().alarms == ()
    assert rabat.mailbox.open(answer).header.sender == "ES.SGCJI"


def test_without_its_token_the_file_signs_nothing(path: Path, keys: AuthorityKeys) -> None:
    alone = load_keystore(path, PASSPHRASE)
    assert alone.own_kids == keys.own_kids
    attempts: list[Callable[[], object]] = [
        lambda: alone.sign_manifest(b"{}"),
        lambda: load_api_key(path, PASSPHRASE)[1].sign(b"a call"),
        lambda: alone.prove(datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)),
        lambda: stage_keys(path, PASSPHRASE),
    ]
    for attempt in attempts:
        with pytest.raises(KeyModuleUnusable, match="COMITY_PKCS11_MODULE"):
            attempt()


def test_after_the_loss_of_a_token_a_recovery_takes_all_keys_into_the_file(path: Path, keys: AuthorityKeys) -> None:
    staged = stage_keys(path, PASSPHRASE, in_file=True)
    now = datetime.now(UTC)
    assert {entry.use for entry in staged.prove_coming(now, now + timedelta(days=1))} == set(keys.acting)
    new = settle_keys(path, PASSPHRASE, now)
    assert new.sign_manifest(b"{}")
    assert token_keys(path) == {}
    assert new.opener(keys.sealing_kid).public == keys.sealing.public


def test_a_successor_lies_in_the_token_too_and_what_it_replaced_is_gone_from_it(
    path: Path, keys: AuthorityKeys, token: Token
) -> None:
    old = token_keys(path)["sign-ed25519"]
    staged = stage_keys(path, PASSPHRASE, module=token)
    assert staged.coming is not None
    new = settle_keys(path, PASSPHRASE, datetime.now(UTC), module=token)
    assert new.signing_kids[0] == staged.coming.keys["sign-ed25519"].kid("ES.SGCJI") != keys.signing_kids[0]
    assert new.ed25519.sign(b"x")
    assert set(token_keys(path)) == {"sign-ed25519", "api-ed25519"}
    with pytest.raises(KeyModuleUnusable, match="not in the token"):
        token.signer(old.object_id, old.public)


def test_a_token_with_another_key_in_the_objects_place_signs_nothing(
    path: Path, keys: AuthorityKeys, token: Token
) -> None:
    named = token_keys(path)
    swapped = token.signer(named["api-ed25519"].object_id, named["sign-ed25519"].public)
    with pytest.raises(KeyModuleUnusable, match="does not verify"):
        swapped.sign(b"data")


def test_an_existing_file_costs_the_token_no_keys(path: Path, keys: AuthorityKeys, token: Token) -> None:
    def objects() -> int:
        return len([*token._session.get_objects()])

    before = objects()
    with pytest.raises(KeyFileUnusable, match="exists already"):
        create_keystore(path, PASSPHRASE, "ES.SGCJI", module=token)
    assert objects() == before


def test_what_a_module_refuses_is_said_without_the_pin(softhsm: SoftHsm, tmp_path: Path) -> None:
    attempts: dict[str, Callable[[], Token]] = {
        "PIN is wrong": lambda: Token(softhsm.module, PIN + "x", label=softhsm.label),
        "no such token": lambda: Token(softhsm.module, PIN, label="another"),
        "cannot be used": lambda: Token(tmp_path / "nothing.so", PIN),
    }
    for says, attempt in attempts.items():
        with pytest.raises(KeyModuleUnusable, match=says) as refused:
            attempt()
        told = f"{refused.value!r} {refused.value.args} {vars(refused.value)} {refused.value.__cause__!r}"
        assert PIN not in told
        assert refused.value.__suppress_context__


def test_a_token_prints_no_pin(token: Token, keys: AuthorityKeys) -> None:
    shown = f"{token!r} {vars(token)} {keys!r} {keys.ed25519!r} {vars(keys.ed25519)}"
    assert PIN not in shown


def test_the_command_makes_keys_in_the_token_and_calls_with_them(
    softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"HOME": str(tmp_path / "home"), "PASSPHRASE": PASSPHRASE, "KEY_COST": "16"}
    settings |= {"PKCS11_MODULE": str(softhsm.module), "PKCS11_TOKEN": softhsm.label, "PKCS11_PIN": softhsm.pin}
    for name, value in settings.items():
        monkeypatch.setenv(f"COMITY_{name}", value)
    new = ["keys", "new", "--authority", "ES.SGCJI", "--name", "es=Madrid", "--in-token", "--json"]
    made = CliRunner().invoke(app, new)
    assert made.exit_code == 0, made.output
    shown = CliRunner().invoke(app, ["keys", "show"])
    assert shown.stdout.count("in the token") == 2
    monkeypatch.delenv("COMITY_PKCS11_TOKEN")  # from here on the file says which
    monkeypatch.delenv("COMITY_PKCS11_PIN")
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_text(softhsm.pin + "\n")
    monkeypatch.setenv("COMITY_PKCS11_PIN_FILE", str(pin))
    owner, key = find_home().api_key()
    assert key.kid(owner) == json.loads(made.stdout)["kids"]["api-ed25519"]
    parse_ed25519(key.public).verify(key.sign(b"a call"), b"a call")
    monkeypatch.delenv("COMITY_PKCS11_MODULE")
    with pytest.raises(KeyModuleUnusable, match="COMITY_PKCS11_MODULE"):
        find_home().api_key()[1].sign(b"a call")
    with pytest.raises(SettingsRefused, match="COMITY_PKCS11_MODULE"):
        find_home().new_key_module()
    assert PIN not in made.output + shown.output
