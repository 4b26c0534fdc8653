"""New keys for services of an exchange that exists, and the roster that says so; new keys for its log.

Rules:
1. Processes work by the new keys from their next start on. What was sealed or signed under the keys of before counts
   until the time that the roster says, so that what lies in the database and at the broker is still done.
2. Key files are written first and hold the keys of before beside the new ones; then the roster, which says which count.
   Whoever is killed in between has changed nothing: the files serve the roster that is there.
3. Keys that were stolen are not carried over: from the next start on nothing that was sealed under them counts, and
   of receipts those alone that say they were signed before the theft.
4. New keys of the log are announced first, by a roster that intake tells the log of before: auditors name those that
   were not. Then they need a new trust file as well. It says how many entries the log had: what those of before signed
   counts for trees of at most that size, so that they may be known to anybody from then on. They are not kept.
5. The gateway's key signs receipts, too, so that a new one needs a new trust file, which parties believe when they are
   handed it and not before. It names the key of before for what was signed until then. Whoever is killed between trust
   file and roster leaves a trust file that names a key which never signs (`is_broken_off`): the next renewal of the
   gateway forgets that key, and no other service is renewed before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from shared.adapters.durable_file import write_durably
from shared.adapters.keyfiles import (
    KEYS,
    LOG_FILE,
    ROSTER_FILE,
    TRUST_FILE,
    ServiceKeyPair,
    find_log_seeds,
    load_roster,
    load_service_keys,
    load_trust,
    log_vkeys,
    new_log_seeds,
    read_service_keys,
    write_log_seeds,
    write_service_keys,
)
from shared.audit.quorum import rule_of
from shared.errors import SettingsRefused
from shared.keys.private import Ed25519Signer, generate_ed25519, generate_xwing
from shared.keys.roster import MAX_FORMER, FormerKeys, Roster, ServiceKeys, draft_roster, sign_roster, verify_roster
from shared.keys.signed_document import encode_signed_document
from shared.keys.trust import (
    MAX_FORMER_RECEIPT_KEYS,
    FormerLogKeys,
    FormerReceiptKey,
    Trust,
    encode_trust,
    parse_trust,
)

GATEWAY: Final = "gateway"
FORMER_KEYS_COUNT: Final = timedelta(days=1)
"""Until then processes that work by the keys of before are asked to end, and started again."""


def renew_services(
    directory: Path,
    services: Collection[str],
    operators: Sequence[Ed25519Signer],
    now: datetime,
    stolen_since: datetime | None = None,
) -> Roster:
    """New keys for these services; the roster. The keys of before end a day from now, stolen ones at once.

    Raises SettingsRefused, TrustFileInvalid, RosterRefused when the operators are no quorum: then nothing was written.
    """
    trust = load_trust(directory)
    before = load_roster(directory, trust)
    for unknown in set(services) - set(before.services):
        raise SettingsRefused(why=f"{unknown} does not stand in the roster")
    if _is_ahead(trust, before):
        if GATEWAY not in services:
            _require_whole(trust, before)
        trust = _taken_back(trust, before)
    until = stolen_since or now + FORMER_KEYS_COUNT
    made = {one: ServiceKeyPair(one, generate_ed25519(), generate_xwing()) for one in services}
    listed = [
        _renewed(made[service], () if stolen_since else (FormerKeys(known.sign, known.seal, until), *known.former))
        if service in made
        else known
        for service, known in before.services.items()
    ]
    roster = _sign(trust, before, now, listed, before.log_vkeys, operators)
    for service in made:
        load_service_keys(directory, service, before)  # before anything is written: are these its keys?
    for service, pair in made.items():
        path = directory / KEYS / f"{service}.json"
        write_service_keys(path, [pair, *read_service_keys(path, service)][: MAX_FORMER + 1])
    if GATEWAY in made:
        new = made[GATEWAY].keys.sign
        kept = (FormerReceiptKey(trust.receipt_key, until), *trust.former_receipt_keys)[:MAX_FORMER_RECEIPT_KEYS]
        write_durably(
            directory / TRUST_FILE, encode_trust(replace(trust, receipt_key=new, former_receipt_keys=kept)), 0o644
        )
    write_durably(directory / ROSTER_FILE, roster.signed, 0o644)
    return roster


def announce_log(directory: Path, operators: Sequence[Ed25519Signer], now: datetime) -> Roster:
    """New keys for the log, which wait beside those at work, and the roster that announces them.

    Raises SettingsRefused, TrustFileInvalid, RosterRefused when the operators are no quorum: then nothing was written.
    """
    trust, path = load_trust(directory), directory / KEYS / LOG_FILE
    before = load_roster(directory, trust)
    _require_whole(trust, before)
    at_work = find_log_seeds(path, trust.origin, trust.log_vkeys, TRUST_FILE)
    made = new_log_seeds()
    announced = log_vkeys(trust.origin, made)
    rule_of(replace(trust, log_vkeys=announced))
    roster = _sign(trust, before, now, tuple(before.services.values()), announced, operators)
    write_log_seeds(path, [made, at_work])
    write_durably(directory / ROSTER_FILE, roster.signed, 0o644)
    return roster


def is_broken_off(directory: Path) -> bool:
    """Whether a renewal of the gateway was killed after it wrote the trust file and before the roster. Raises what
    `renew_services` does."""
    trust = load_trust(directory)
    return _is_ahead(trust, load_roster(directory, trust))


def _is_ahead(trust: Trust, roster: Roster) -> bool:
    return trust.receipt_key != roster.services[GATEWAY].sign


def _require_whole(trust: Trust, roster: Roster) -> None:
    """Raises SettingsRefused."""
    if _is_ahead(trust, roster):
        raise SettingsRefused(why="a renewal of the gateway's keys was broken off; renew those of gateway, too")


def _taken_back(trust: Trust, roster: Roster) -> Trust:
    """As it was before that renewal. Raises SettingsRefused."""
    signs = roster.services[GATEWAY].sign
    former = trust.former_receipt_keys
    if not former or former[0].key != signs:
        raise SettingsRefused(why="trust file and roster are of different exchanges, or of different times")
    return replace(trust, receipt_key=signs, former_receipt_keys=former[1:])


def renew_log(directory: Path, size: int) -> Trust:
    """The announced keys for the log, which has `size` entries and is not at work; the trust file that names them.

    Raises SettingsRefused, RosterRefused, TrustFileInvalid: then nothing was written.
    """
    before, path = load_trust(directory), directory / KEYS / LOG_FILE
    roster = load_roster(directory, before)
    _require_whole(before, roster)
    announced = roster.log_vkeys
    if announced is None or set(announced) == set(before.log_vkeys):
        raise SettingsRefused(
            why="the roster announces no new keys of the log; begin with comity operator announce-log"
        )
    made = find_log_seeds(path, before.origin, announced, ROSTER_FILE)
    former = (FormerLogKeys(before.log_vkeys, size), *before.former_log_keys)
    trust = replace(before, log_vkeys=log_vkeys(before.origin, made), former_log_keys=former)
    rule_of(trust)
    parse_trust(encode_trust(trust))
    write_durably(directory / TRUST_FILE, encode_trust(trust), 0o644)
    write_log_seeds(path, [made])
    return trust


def _sign(
    trust: Trust,
    before: Roster,
    now: datetime,
    services: Sequence[ServiceKeys],
    log: tuple[str, str] | None,
    operators: Sequence[Ed25519Signer],
) -> Roster:
    """The next roster. Raises SettingsRefused, RosterRefused."""
    if now <= before.issued_at:
        raise SettingsRefused(why="the roster that is there was issued later than now; set the clock of this machine")
    draft = draft_roster(trust.origin, now, services, log)
    signed = encode_signed_document(draft, [sign_roster(draft, one) for one in operators])
    return verify_roster(signed, trust.operator_keys, trust.operator_quorum, trust.origin)


def _renewed(pair: ServiceKeyPair, former: tuple[FormerKeys, ...]) -> ServiceKeys:
    return replace(pair.keys, former=former[:MAX_FORMER])
