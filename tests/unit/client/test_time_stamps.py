"""A time-stamp authority says when the ledger held a message: an outside word, under a root that the reader brings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from client.proof_bundle import encode_bundle, parse_bundle
from client.proof_making import make_bundle
from client.proof_verification import verify_bundle
from client.time_authority import TimeAuthority
from comity.proof_verdict import extract
from shared.audit.time_stamps import MAX_RESPONSE_BYTES, build_stamp_request, verify_stamp
from shared.audit.tree import prove_consistency
from shared.audit.tree_head import TreeHead
from shared.errors import ProofStampInvalid, SettingsRefused, StampAuthorityUnreachable, StampInvalid
from tests.unit.client.letters import FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.stamping import LocalAuthority, local_authority, openssl

HEAD = TreeHead("comity.example/log", 7, bytes(32))
URL = "http://tsa.example/stamp"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return local_authority(tmp_path_factory.mktemp("time") / "authority")


def asked(authority: LocalAuthority) -> TimeAuthority:
    return TimeAuthority(URL, authority.roots, authority.transport())


def test_a_bundle_carries_a_stamp_that_dates_it_from_outside(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority
) -> None:
    ma = exchange.correspond(MA, tmp_path)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    bundle = parse_bundle(encode_bundle(make_bundle(ma, kept.message, stamp=asked(authority).stamp).bundle))
    proven = verify_bundle(bundle, exchange.trust(), roots=authority.roots)
    assert proven.existed_by is not None
    assert str(proven.existed_by.who) == "the time-stamp authority CN=Stamps of Rabat"
    assert abs(proven.existed_by.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert proven.steps[-1].number == 12
    assert bundle.time_stamp is not None
    for changed in (
        replace(bundle.time_stamp, size=bundle.time_stamp.size - 1),
        replace(bundle.time_stamp, root=bytes(32)),
        replace(bundle.time_stamp, consistency=(bytes(32),)),
        replace(bundle.time_stamp, token=bundle.time_stamp.token[:-1]),
    ):
        with pytest.raises(ProofStampInvalid):
            verify_bundle(replace(bundle, time_stamp=changed), exchange.trust(), roots=authority.roots)


def test_what_is_written_out_of_a_stamp_is_verified_by_openssl(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority
) -> None:
    ma = exchange.correspond(MA, tmp_path)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    made = make_bundle(ma, kept.message, stamp=asked(authority).stamp)
    extract(made.bundle, made.proven, tmp_path / "out")
    given = ("-in", str(tmp_path / "out" / "time-stamp.tsr"), "-data", str(tmp_path / "out" / "time-stamp.head"))
    openssl(authority.folder, "ts", "-verify", *given, "-CAfile", "root.pem")


def test_without_a_root_a_stamp_is_told_and_proves_nothing(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority
) -> None:
    ma = exchange.correspond(MA, tmp_path)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    proven = make_bundle(ma, kept.message, stamp=asked(authority).stamp).proven
    assert all("time-stamp" not in str(one.who) for one in proven.witnessed)
    assert "not judged" in str(proven.steps[-1].found)


def test_a_stamp_on_an_older_tree_covers_what_that_tree_held(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority
) -> None:
    ma = exchange.correspond(MA, tmp_path)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    stamped = make_bundle(ma, kept.message, stamp=asked(authority).stamp).bundle.time_stamp
    assert stamped is not None
    exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
    newer = make_bundle(ma, kept.message).bundle
    size = len(exchange.log.entries)
    path = tuple(prove_consistency(stamped.size, size, exchange.log.reader(size)))
    later = replace(newer, time_stamp=replace(stamped, consistency=path))
    proven = verify_bundle(later, exchange.trust(), roots=authority.roots)
    assert [one.size for one in proven.witnessed if "time-stamp" in str(one.who)] == [stamped.size]
    with pytest.raises(ProofStampInvalid):
        verify_bundle(replace(newer, time_stamp=stamped), exchange.trust(), roots=authority.roots)


def test_another_root_another_head_another_nonce_and_another_purpose_are_refused(
    authority: LocalAuthority, tmp_path: Path
) -> None:
    request = build_stamp_request(HEAD)
    response = authority.reply(request.der)
    assert verify_stamp(response, HEAD, authority.roots, request.nonce).by == "CN=Stamps of Rabat"
    other = local_authority(tmp_path / "other")
    for head, roots, nonce in (
        (HEAD, other.roots, request.nonce),
        (replace(HEAD, size=8), authority.roots, request.nonce),
        (HEAD, authority.roots, request.nonce + 1),
    ):
        with pytest.raises(StampInvalid):
            verify_stamp(response, head, roots, nonce)


def test_no_changed_byte_of_a_stamp_makes_it_say_something_else(authority: LocalAuthority) -> None:
    response = authority.reply(build_stamp_request(HEAD).der)
    honest = verify_stamp(response, HEAD, authority.roots)
    for place in range(0, len(response), 5):
        changed = response[:place] + bytes([response[place] ^ 1]) + response[place + 1 :]
        try:
            assert verify_stamp(changed, HEAD, authority.roots) == honest, place
        except StampInvalid:
            continue


@pytest.mark.parametrize("answer", [b"", b"no DER", b"0" * (MAX_RESPONSE_BYTES + 1)], ids=["empty", "other", "large"])
def test_what_is_no_stamp_is_refused(authority: LocalAuthority, answer: bytes) -> None:
    lying = httpx2.MockTransport(lambda _: httpx2.Response(200, content=answer))
    with pytest.raises(StampInvalid):
        TimeAuthority(URL, authority.roots, lying).stamp(HEAD)


def test_an_authority_that_does_not_answer_is_named(authority: LocalAuthority) -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route to host")

    with pytest.raises(StampAuthorityUnreachable, match="no route to host"):
        TimeAuthority(URL, authority.roots, httpx2.MockTransport(broken)).stamp(HEAD)
    busy = httpx2.MockTransport(lambda _: httpx2.Response(503))
    with pytest.raises(StampAuthorityUnreachable, match="503"):
        TimeAuthority(URL, authority.roots, busy).stamp(HEAD)
    with pytest.raises(SettingsRefused):
        TimeAuthority("file:///etc/passwd", authority.roots)
