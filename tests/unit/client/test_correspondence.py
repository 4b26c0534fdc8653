"""From one authority's file to another's screen, against an exchange that may crash, lose, withhold and lie."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from client.composition import ReplyWish
from client.correspondence import Correspondence
from client.request_file import RequestFile, load_request
from client.sealing import Attachment
from shared.apisig.receipts import sign_receipt, verify_receipt
from shared.envelope.container import ReceivedEnvelope
from shared.errors import (
    BasisMissing,
    BodyIncomplete,
    CallClockSkew,
    ComityError,
    DossierStale,
    EnvelopeExpired,
    ExchangeUnreachable,
    GroundMissing,
    IllegalMove,
    KeyChangeUnexplained,
    MessageUnverified,
    ReceiptInvalid,
    RegisterUnusable,
)
from shared.keys.private import generate_ed25519
from shared.keys.public import Ed25519Public
from tests.unit.client.paper_exchange import PaperExchange, problem, seeded
from tests.unit.envelope.workshop import party

MA, FR, BE = "MA.PGR", "FR.BEPI", "BE.PF"
CONTENT = {
    "requesting_authority": "Parquet général, Rabat",
    "subject_matter": "Fraud",
    "nature_of_proceeding": "Investigation",
    "conducting_authority": "Investigating judge, Rabat",
    "facts": "Money moved.",
    "assistance_sought": "Statements of account",
    "purpose": "Evidence",
}


def a_request(**changes: Any) -> RequestFile:
    members = {"v": 1, "measures": {"M1": {"type": "bank-data", "target": "an account"}}, "content": CONTENT}
    return RequestFile.model_validate({**members, **changes})


@pytest.fixture
def exchange() -> PaperExchange:
    exchange = PaperExchange()
    exchange.enrol(MA, FR, BE)
    exchange.load_registry()
    return exchange


def open_dossier(ma: Correspondence, *recipients: str, attachments: tuple[Attachment, ...] = ()) -> str:
    composed = ma.compose_request(a_request(), recipients or (FR,), "quadripartite")
    message = ma.seal_and_store(composed, attachments)
    ma.outbox.send(message)
    return composed.header.dossier


def reply(one: Correspondence, dossier: str, kind: str, leg: str | None = None, **wish: Any) -> str:
    composed = one.compose_reply(dossier, ReplyWish(kind, wish.get("act", {}), wish.get("content", {})), leg)
    message = one.seal_and_store(composed, ())
    one.outbox.send(message)
    return message


def test_what_one_writes_the_other_reads_and_answers(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma, attachments=(Attachment("order.pdf", "application/pdf", b"%PDF"),))
    news = fr.mailbox.read_feed()
    opened = fr.mailbox.open(news.events[0].message)
    assert opened.content["measures"] == {"M1": {"type": "bank-data", "target": "an account"}}
    assert opened.attachments[0].data == b"%PDF"
    answer = reply(fr, dossier, "acknowledge")
    assert ma.mailbox.read_feed().alarms == ()
    assert ma.outbox.await_decision(news.events[0].message, 0) is not None
    assert ma.mailbox.open(answer).header.kind == "acknowledge"
    assert [one.kind for one in ma.register.messages(dossier)] == ["request", "acknowledge"]


def test_each_leg_of_a_group_cites_its_own_convention(exchange: PaperExchange, tmp_path: Path) -> None:
    composed = exchange.correspond(MA, tmp_path).compose_request(a_request(), (FR, BE), "quadripartite")
    basis = composed.header.basis or {}
    assert {one: (basis[one].primary, basis[one].group) for one in basis} == {
        FR: ("ma-fr-2008", "quadripartite"),
        BE: ("ma-be-1997", "quadripartite"),
    }


def test_a_covert_measure_shows_as_covert_and_keeps_its_name_inside(exchange: PaperExchange, tmp_path: Path) -> None:
    request = a_request(measures={"M1": {"type": "interception", "target": "a number"}})
    composed = exchange.correspond(MA, tmp_path).compose_request(request, (FR,), "quadripartite")
    assert composed.header.measures == {"M1": "covert"}
    assert composed.content["measures"]["M1"]["type"] == "interception"


def test_missing_content_is_named_field_by_field_and_nothing_is_sent(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    with pytest.raises(BodyIncomplete) as refused:
        ma.compose_request(a_request(content={**CONTENT, "facts": " ", "purpose": None}), (FR,), "quadripartite")
    assert "Summary of the relevant facts (facts)" in refused.value.sentence()
    assert "(purpose)" in refused.value.sentence()
    assert not any("POST" in call for call in exchange.calls)


def test_a_pair_without_convention_in_the_group_is_named(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.enrol("BR.MJSP")
    with pytest.raises(BasisMissing, match=r"BR\.MJSP"):
        exchange.correspond(MA, tmp_path).compose_request(a_request(), ("BR.MJSP",), "quadripartite")


@pytest.mark.parametrize(
    "wish", [{"act": {}, "content": {"reasons": "no"}}, {"act": {"grounds": ["essential-interests"]}, "content": {}}]
)
def test_a_refusal_without_ground_or_reasons_never_leaves(
    exchange: PaperExchange, tmp_path: Path, wish: dict[str, Any]
) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    with pytest.raises(GroundMissing):
        reply(fr, dossier, "refuse", **wish)


def test_an_illegal_move_is_refused_before_it_is_sealed(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    dossier = open_dossier(ma)
    with pytest.raises(IllegalMove):
        reply(ma, dossier, "close")


def test_a_crash_before_the_first_byte_sends_the_same_bytes_later(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    big = Attachment("scan.tif", "image/tiff", bytes(600_000))
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), (big,))
    stored = ma.register.submission(message)
    ma.close()  # the process dies here
    again = exchange.correspond(MA, tmp_path)
    assert again.outbox.resume() == {message: None}
    decision = again.outbox.await_decision(message, 5)
    assert decision is not None
    assert decision.decision == "accepted"
    assert exchange.envelopes[message].digest == stored.digest
    assert not list((tmp_path / MA / "outbox").iterdir())


def test_a_lost_answer_is_asked_for_again_under_the_same_id(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.lost_answers = 1
    ma = exchange.correspond(MA, tmp_path)
    open_dossier(ma)
    assert exchange.calls.count("POST /v1/messages") == 2
    assert len(exchange.decisions) == 1


def test_an_unreachable_exchange_keeps_the_message_stored(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    real, ma.exchange._calls._http = ma.exchange._calls._http, _dead_client()
    with pytest.raises(ExchangeUnreachable):
        ma.outbox.send(message)
    ma.exchange._calls._http = real
    assert ma.register.undecided() == [message]
    ma.outbox.resume()
    assert message in exchange.decisions


def _dead_client() -> Any:
    import httpx2

    def die(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route to host")

    return httpx2.Client(transport=httpx2.MockTransport(die))


def test_what_the_exchange_will_not_take_is_not_sent_again(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    exchange.pass_time(8 * 86400)
    exchange.failures = [problem(422, EnvelopeExpired(expires_at="then"))]
    with pytest.raises(EnvelopeExpired):
        ma.outbox.send(message)
    assert ma.outbox.resume() == {}
    kept = ma.register.message(message)
    assert kept is not None
    assert kept.state == "refused"


def test_one_refused_call_does_not_keep_the_others_back(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    first, second = (ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ()) for _ in range(2))
    exchange.failures = [problem(401, CallClockSkew(created="1", now="2", limit_s=10))]
    said = ma.outbox.resume()
    assert isinstance(said[first], CallClockSkew)
    assert said[second] is None
    assert ma.outbox.resume() == {first: None, second: None}


def test_a_receipt_of_another_key_is_no_receipt(exchange: PaperExchange, tmp_path: Path) -> None:
    trust = exchange.trust(receipt_key=Ed25519Public(generate_ed25519().public))
    ma = exchange.correspond(MA, tmp_path, trust)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    with pytest.raises(ReceiptInvalid):
        ma.outbox.send(message)
    assert ma.register.receipt(message) is None


@pytest.mark.parametrize(
    "change",
    [{"message": "another"}, {"envelope_sha256": "A" * 43}, {"sender": FR}, {"exchange": "other.example/log"}],
    ids=lambda change: next(iter(change)),
)
def test_a_receipt_for_something_else_is_no_receipt(
    exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    def other(received: ReceivedEnvelope) -> str:
        right = verify_receipt(PaperExchange.receipt(exchange, received), exchange.trust().receipt_key)
        return sign_receipt(replace(right, **change), exchange.receipt_signer)  # type: ignore[arg-type]  # texts only

    monkeypatch.setattr(exchange, "receipt", other)
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    with pytest.raises(ReceiptInvalid):
        ma.outbox.send(message)
    assert ma.register.receipt(message) is None


def test_a_decision_about_other_bytes_is_not_believed(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.decides = False
    ma = exchange.correspond(MA, tmp_path)
    open_dossier(ma)
    message = exchange.undecided[0].header.id
    exchange.take(exchange.undecided[0])
    exchange.decisions[message]["digest"] = "A" * 43
    with pytest.raises(MessageUnverified):
        ma.outbox.await_decision(message, 1)


def test_a_withheld_message_shows_as_a_gap(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    composed = fr.compose_reply(dossier, ReplyWish("acknowledge", {}, {}))
    hidden = fr.seal_and_store(composed, ())
    exchange.withhold.add(hidden)
    fr.outbox.send(hidden)
    assert ma.mailbox.read_feed().gaps == ()
    accepted = reply(fr, dossier, "accept")
    gaps = ma.mailbox.read_feed().gaps
    assert [(gap.message, gap.leg) for gap in gaps] == [(accepted, FR)]
    exchange.tell(MA, "message.received", exchange.envelopes[hidden])
    assert ma.mailbox.read_feed().gaps == ()


def test_two_admitted_successors_of_one_envelope_are_a_fork(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    before = dict(exchange.legs)
    first = reply(fr, dossier, "acknowledge")
    exchange.legs = before  # the exchange forgets, and tells another story
    fr.register._db.execute("DELETE FROM links WHERE message = ?", (first,))
    second = reply(fr, dossier, "accept")
    forks = ma.mailbox.read_feed().forks
    assert [fork.messages for fork in forks] == [(first, second)]


def test_who_has_not_read_everything_cannot_answer(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    reply(fr, dossier, "refuse", act={"grounds": ["essential-interests"]}, content={"reasons": "sealed"})
    with pytest.raises(DossierStale):
        reply(ma, dossier, "close")
    ma.mailbox.read_feed()
    reply(ma, dossier, "close")
    assert exchange.legs[dossier, FR].measures[0].state == "closed"


def test_an_altered_message_is_an_alarm_and_is_not_recorded(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    open_dossier(ma)
    message = exchange.feeds[FR].items[0]["message"]

    def flip(path: str, body: bytes) -> bytes:
        if path != f"/v1/messages/{message}":
            return body
        document = json.loads(body)
        signature = document["jws"]["signatures"][1]["signature"]
        document["jws"]["signatures"][1]["signature"] = ("B" if signature[0] == "A" else "A") + signature[1:]
        return json.dumps(document).encode()

    exchange.tamper = flip
    first, second = fr.mailbox.read_feed(), fr.mailbox.read_feed()
    for news in (first, second):
        assert [alarm.message for alarm in news.alarms] == [message]
        assert "envelope.signature-invalid" in news.alarms[0].error.sentence()
    assert fr.register.message(message) is None
    exchange.tamper = lambda path, body: body
    assert fr.mailbox.read_feed().alarms == ()
    assert fr.register.message(message) is not None


def test_an_altered_part_opens_nothing(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    open_dossier(ma)
    fr.mailbox.read_feed()
    message = fr.register.received()[0].message
    exchange.tamper = lambda path, body: bytes([body[0] ^ 1]) + body[1:] if path.endswith("/parts/body") else body
    with pytest.raises(MessageUnverified, match="part-mismatch"):
        fr.mailbox.open(message)
    assert fr.register.received(unopened_only=True)


def test_a_swapped_operator_key_stops_everything(exchange: PaperExchange, tmp_path: Path) -> None:
    trust = exchange.trust(operator_keys=tuple(Ed25519Public(seeded(one).public) for one in ("operator A", "other")))
    with pytest.raises(KeyChangeUnexplained):
        exchange.correspond(MA, tmp_path, trust).directory()


def test_a_directory_that_forgets_is_noticed(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.correspond(MA, tmp_path).directory()
    exchange.events.pop()
    with pytest.raises(KeyChangeUnexplained, match="seen here before"):
        exchange.correspond(MA, tmp_path).directory()


def test_a_directory_that_rewrites_is_noticed(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.correspond(MA, tmp_path).directory()
    other = PaperExchange(now=exchange.now)
    other.pass_time(60)
    other.enrol(MA, FR, "ES.SGCJI", BE)
    exchange.events = other.events
    with pytest.raises(KeyChangeUnexplained, match="not the one that was seen"):
        exchange.correspond(MA, tmp_path).directory()


def test_keys_in_ones_own_name_that_are_not_ones_own_stop_everything(exchange: PaperExchange, tmp_path: Path) -> None:
    from client.signing import AuthorityKeys

    own = party(MA)
    forgotten = AuthorityKeys(MA, own.ed25519, own.mldsa65, party(FR).sealing, own.api)
    with pytest.raises(KeyChangeUnexplained, match="not yours"):
        exchange.correspond_with(forgotten, tmp_path, exchange.trust()).directory()


def test_in_production_a_new_key_waits_or_is_compared(exchange: PaperExchange, tmp_path: Path) -> None:
    trust = exchange.trust(environment="production", witness_policy="quorum 1")
    ma = exchange.correspond(MA, tmp_path, trust)
    composed = ma.compose_request(a_request(), (FR,), "quadripartite")
    with pytest.raises(ComityError) as refused:
        ma.seal_and_store(composed, ())
    assert refused.value.code == "client.key-too-new"
    french = ma.directory().latest.party(FR)
    assert french is not None
    ma.directory().note_compared(french)
    assert ma.seal_and_store(composed, ()) == composed.header.id
    exchange.pass_time(73 * 3600)
    belgian = ma.compose_request(a_request(), (BE,), "quadripartite")
    assert ma.seal_and_store(belgian, ()) == belgian.header.id


def test_a_message_stays_readable_after_its_sender_was_suspended(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    open_dossier(ma)
    exchange.pass_time(7200)
    exchange.record_event("suspend", MA)
    assert fr.mailbox.read_feed().alarms == ()
    assert fr.mailbox.open(fr.register.received()[0].message).content["facts"] == "Money moved."


def test_a_second_installation_learns_what_the_first_one_sent(exchange: PaperExchange, tmp_path: Path) -> None:
    dossier = open_dossier(exchange.correspond(MA, tmp_path / "one"))
    second = exchange.correspond(MA, tmp_path / "two")
    second.mailbox.read_feed()
    assert second.register.seen(dossier, FR) == exchange.legs[dossier, FR].head


def test_a_home_belongs_to_one_authority(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.correspond(MA, tmp_path).close()
    (tmp_path / FR).symlink_to(tmp_path / MA)
    with pytest.raises(RegisterUnusable):
        exchange.correspond(FR, tmp_path)


def test_a_dossier_is_found_by_number_id_and_part_of_it(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    dossier = open_dossier(ma)
    number = ma.exchange.dossier(dossier).number
    for text in (dossier, number, number.lower().replace("-", " "), dossier[-8:]):
        assert ma.find_dossier(text) == dossier


def test_a_typing_mistake_in_a_request_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"v": 1, "measures": {"M1": {"typ": "bank-data"}}, "content": {}}))
    with pytest.raises(ComityError, match=r"measures\.M1"):
        load_request(file)
