"""Renewal on one's own side: keys are kept before they are announced, act when the directory shows them, and go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.key_file import read_key_file
from client.keystore import (
    change_passphrase,
    create_keystore,
    destroy_sealing_key,
    discard_staged_keys,
    load_keystore,
    read_kids,
    settle_keys,
    stage_keys,
)
from client.signing import AuthorityKeys
from shared.errors import KeyFileUnusable, KeyNotFound, KeyRefused, PassphraseWrong
from shared.keys.possession import parse_entry_public, verify_possession
from shared.keys.public import parse_ed25519, parse_mldsa65

pytestmark = pytest.mark.usefixtures("cheap_guesses")
PASSPHRASE = "correct horse battery"
HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def old(path: Path) -> AuthorityKeys:
    return create_keystore(path, PASSPHRASE, "MA.PGR")


def now() -> datetime:
    return datetime.now(UTC)


def acting(keys: AuthorityKeys) -> set[str]:
    return {key.kid(keys.authority) for key in keys.acting.values()}


def coming(keys: AuthorityKeys) -> set[str]:
    assert keys.coming is not None
    return {key.kid(keys.authority) for key in keys.coming.keys.values()}


def test_staged_keys_are_kept_and_do_not_act(path: Path, old: AuthorityKeys) -> None:
    staged = stage_keys(path, PASSPHRASE)
    assert staged.coming is not None
    assert staged.coming.since is None
    assert acting(staged) == acting(load_keystore(path, PASSPHRASE)) == acting(old)
    assert coming(load_keystore(path, PASSPHRASE)) == coming(staged)
    assert acting(old).isdisjoint(coming(staged))
    assert staged.own_kids == acting(old) | coming(staged)


def test_staging_again_after_a_crash_gives_the_same_keys(path: Path, old: AuthorityKeys) -> None:
    assert coming(stage_keys(path, PASSPHRASE)) == coming(stage_keys(path, PASSPHRASE))
    with pytest.raises(KeyFileUnusable, match="still to come"):
        stage_keys(path, PASSPHRASE, ("api-ed25519",))


def test_settled_keys_act_from_their_time_on_and_not_before(path: Path, old: AuthorityKeys) -> None:
    new = coming(stage_keys(path, PASSPHRASE))
    since = now() + HOUR
    settle_keys(path, PASSPHRASE, since)
    assert acting(load_keystore(path, PASSPHRASE, since - timedelta(seconds=1))) == acting(old)
    later = load_keystore(path, PASSPHRASE, since)
    assert acting(later) == new
    assert later.coming is None
    assert [one.kid("MA.PGR") for one in later.former_sealing] == [old.sealing_kid]


def test_a_key_that_is_to_come_opens_already(path: Path, old: AuthorityKeys) -> None:
    staged = stage_keys(path, PASSPHRASE)
    assert staged.coming is not None
    kid = staged.coming.keys["seal-xwing"].kid("MA.PGR")
    assert staged.opener(kid).kid("MA.PGR") == kid
    settle_keys(path, PASSPHRASE, now() + HOUR)
    assert load_keystore(path, PASSPHRASE).opener(kid).kid("MA.PGR") == kid


def test_renewing_one_key_leaves_the_others(path: Path, old: AuthorityKeys) -> None:
    stage_keys(path, PASSPHRASE, ("api-ed25519",))
    new = settle_keys(path, PASSPHRASE, now() - HOUR)
    assert new.api_kid != old.api_kid
    assert (new.signing_kids, new.sealing_kid) == (old.signing_kids, old.sealing_kid)
    assert new.former_sealing == ()


def test_replaced_signing_keys_are_forgotten_and_sealing_keys_stay(path: Path, old: AuthorityKeys) -> None:
    for _ in range(2):
        stage_keys(path, PASSPHRASE)
        settle_keys(path, PASSPHRASE, now())
    uses = [key.use for one in read_key_file(path, PASSPHRASE).generations for key in one.keys]
    assert sorted(uses) == ["api-ed25519", *["seal-xwing"] * 3, "sign-ed25519", "sign-mldsa65"]
    assert load_keystore(path, PASSPHRASE).opener(old.sealing_kid).public == old.sealing.public


def test_the_old_pair_signs_until_the_new_one_acts(path: Path, old: AuthorityKeys) -> None:
    stage_keys(path, PASSPHRASE)
    settle_keys(path, PASSPHRASE, now() + HOUR)
    change_passphrase(path, PASSPHRASE, PASSPHRASE)  # a writing in between forgets nothing that still acts
    assert load_keystore(path, PASSPHRASE).signing_kids == old.signing_kids


def test_staged_keys_can_be_discarded_and_others_cannot(path: Path, old: AuthorityKeys) -> None:
    first = coming(stage_keys(path, PASSPHRASE))
    discard_staged_keys(path, PASSPHRASE)
    assert load_keystore(path, PASSPHRASE).coming is None
    assert coming(stage_keys(path, PASSPHRASE)).isdisjoint(first)
    settle_keys(path, PASSPHRASE, now())
    discard_staged_keys(path, PASSPHRASE)
    assert acting(load_keystore(path, PASSPHRASE)).isdisjoint(acting(old))


def test_only_a_former_sealing_key_is_destroyed(path: Path, old: AuthorityKeys) -> None:
    stage_keys(path, PASSPHRASE)
    new = settle_keys(path, PASSPHRASE, now())
    for kid in (new.sealing_kid, new.api_kid, "MA.PGR#unknown"):
        with pytest.raises(KeyNotFound):
            destroy_sealing_key(path, PASSPHRASE, kid)
    destroy_sealing_key(path, PASSPHRASE, old.sealing_kid)
    after = load_keystore(path, PASSPHRASE)
    assert after.former_sealing == ()
    assert acting(after) == acting(new)
    with pytest.raises(KeyNotFound):
        after.opener(old.sealing_kid)


def test_the_drafts_of_a_killed_writing_are_removed_by_the_next(path: Path, old: AuthorityKeys) -> None:
    draft = path.with_name(f".{path.name}.0123456789abcdef")
    draft.write_bytes(path.read_bytes())
    stage_keys(path, PASSPHRASE)
    assert not draft.exists()


def test_two_changes_at_once_are_both_kept(path: Path, old: AuthorityKeys) -> None:
    stage_keys(path, PASSPHRASE)
    new = settle_keys(path, PASSPHRASE, now())
    with ThreadPoolExecutor() as pool:
        destroyed = pool.submit(destroy_sealing_key, path, PASSPHRASE, old.sealing_kid)
        staged = pool.submit(stage_keys, path, PASSPHRASE)
        destroyed.result(timeout=60)
        staged.result(timeout=60)
    after = load_keystore(path, PASSPHRASE)
    assert after.coming is not None
    assert after.former_sealing == ()
    assert acting(after) == acting(new)


def test_a_new_passphrase_replaces_the_old_one(path: Path, old: AuthorityKeys) -> None:
    with pytest.raises(PassphraseWrong):
        change_passphrase(path, "not the passphrase", "another horse battery")
    with pytest.raises(KeyFileUnusable, match="12 characters"):
        change_passphrase(path, PASSPHRASE, "short")
    before = path.read_text()
    change_passphrase(path, PASSPHRASE, "another horse battery")
    assert path.read_text() != before
    assert acting(load_keystore(path, "another horse battery")) == acting(old)
    with pytest.raises(PassphraseWrong):
        load_keystore(path, PASSPHRASE)


def test_the_file_tells_in_clear_what_acts_and_what_is_to_come(path: Path, old: AuthorityKeys) -> None:
    staged = stage_keys(path, PASSPHRASE)
    listed = read_kids(path)[1]
    assert {one["kid"] for one in listed if one["since"] is None} == coming(staged)
    assert {one["kid"] for one in listed if one["since"] is not None} == acting(old)


def test_keys_to_come_are_proven_and_the_acting_pair_vouches_where_it_stays(path: Path, old: AuthorityKeys) -> None:
    with pytest.raises(KeyRefused):
        old.prove_coming(now(), now() + HOUR)
    staged = stage_keys(path, PASSPHRASE, ("seal-xwing", "api-ed25519"))
    pair = parse_ed25519(old.ed25519.public), parse_mldsa65(old.mldsa65.public)
    entries = staged.prove_coming(now(), now() + HOUR)
    assert [entry.use for entry in entries] == ["seal-xwing", "api-ed25519"]
    for entry in entries:
        verify_possession("MA.PGR", entry, parse_entry_public(entry), pair)
