"""`comity operator`: set up an exchange; enrol, suspend, recover parties; load the registry of instruments.

Operators' keys are key files of their own, one a person, and every act takes as many as the trust file's quorum says.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity import (
    operator_backup,
    operator_instruments,
    operator_letters,
    operator_queues,
    operator_renew,
    operator_stamps,
    operator_witnesses,
)
from comity.fingerprints import fingerprint
from comity.home import Home, exchange_as, find_home, now
from comity.operator_keys import load_operator
from comity.operator_witnesses import read_policy, require_reachable
from comity.options import HomeDir, Json, OperatorKeys, TrustFile, Url, authority_id
from comity.output import Output, reporting, say
from comity.words import _

if TYPE_CHECKING:
    from client.enrolment import EnrolmentRequest
    from shared.keys.directory import Compromise, Directory
    from shared.keys.event_document import EventType
    from shared.keys.trust import Environment

app = typer.Typer(no_args_is_help=True, help="Set up and run an exchange, enrol parties, load instruments.")
app.add_typer(operator_instruments.app, name="instruments")
app.add_typer(operator_letters.app, name="dead-letters")
app.command()(operator_queues.queues)
app.command()(operator_backup.backup)
app.command()(operator_backup.restore)
app.command()(operator_witnesses.witnesses)
app.command()(operator_stamps.stamp_roots)
app.command()(operator_renew.renew)
app.command()(operator_renew.announce_log)
app.command()(operator_renew.renew_log)

Patience = Annotated[float, typer.Option("--patience", help="Seconds to wait until it counts.")]


@app.command()
def init(
    operator_key: OperatorKeys,
    data: Annotated[Path, typer.Option(help="Directory of the exchange; it gets keys, roster and trust file.")],
    origin: Annotated[str, typer.Option(help="Origin of the ledger, such as comity.example/log; for ever.")],
    environment: Annotated[str, typer.Option(help="production or development.")] = "development",
    witness_policy: Annotated[
        str, typer.Option(help="File that says who must cosign (C2SP tlog-policy); none in development only.")
    ] = "none",
    public_url: Annotated[str | None, typer.Option(help="The address that callers will sign.")] = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Make the keys of a new exchange, signed by its operators. Operator key files that do not exist yet are made.

    Every operator key given counts; the quorum is two of them, or one where only one is given (development only).
    """
    if environment not in ("production", "development"):
        raise typer.BadParameter("an environment is production or development")
    with reporting(json) as output:
        from shared.adapters.keyfiles import TRUST_FILE, init_exchange
        from shared.keys.public import OPERATOR
        from shared.keys.witness_policy import parse_witness_policy

        place = find_home(home)
        operators = [load_operator(place, path, make=True) for path in operator_key]
        where: Environment = "production" if environment == "production" else "development"
        data.mkdir(parents=True, exist_ok=True)
        policy = read_policy(witness_policy)
        require_reachable(parse_witness_policy(policy))
        init_exchange(data, origin, operators, min(2, len(operators)), now(), where, policy)
        if public_url is not None:
            (data / "comity.toml").write_text(f"public_url = '{public_url.rstrip('/')}'\n", encoding="utf-8")
        kids = [operator.kid(OPERATOR) for operator in operators]
        document = {
            "data": str(data),
            "origin": origin,
            "environment": environment,
            "trust_file": str(data / TRUST_FILE),
            "operator_kids": kids,
            "operator_keys": [str(path) for path in operator_key],
        }

        def render(console: Any) -> None:
            say(
                console,
                _(
                    "{origin} ({environment}): keys, roster and trust file in {data}",
                    origin=origin,
                    environment=environment,
                    data=data,
                ),
            )
            for path, kid in zip(operator_key, kids, strict=True):
                say(console, "  " + _("operator {path}: {kid}", path=path, kid=fingerprint(kid)))
            say(console, _("Hand {trust_file} to every party, from person to person.", trust_file=data / TRUST_FILE))
            say(console, _("Start it: comity serve all --data {data}", data=data))

        output.show(document, render)


@app.command()
def enrol(
    request: Annotated[Path, typer.Argument(help="The enrolment request that the party handed over.")],
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    patience: Patience = 30.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Enrol a party: sign its request with the operator keys, post it, and wait until it counts.

    Compare the fingerprints that are printed with the party, by another road, before you hand out the trust file.
    """
    with reporting(json) as output:
        from client.enrolment import load_enrolment

        written = load_enrolment(request)
        _decide(output, "enrol", written.party, operator_key, trust, patience, find_home(home, url), written)


@app.command()
def suspend(
    party: Annotated[str, typer.Argument(help="Id of the party.")],
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    patience: Patience = 30.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Suspend a party: from now on it neither sends nor receives."""
    authority_id(party)
    with reporting(json) as output:
        _decide(output, "suspend", party, operator_key, trust, patience, find_home(home, url))


@app.command()
def reinstate(
    party: Annotated[str, typer.Argument(help="Id of the party.")],
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    patience: Patience = 30.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Reinstate a suspended party."""
    authority_id(party)
    with reporting(json) as output:
        _decide(output, "reinstate", party, operator_key, trust, patience, find_home(home, url))


@app.command()
def recover(
    request: Annotated[Path, typer.Argument(help="The request with the new keys that the party handed over.")],
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    patience: Patience = 30.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Give a party new keys for which its old ones do not sign: they are lost, ended or compromised.

    Every party sees it, and in production believes the new keys after 72 hours or a comparison of its own. Meet the
    party in person before you sign: docs/guide/operator.md, `A recovery`.
    """
    with reporting(json) as output:
        from client.enrolment import load_enrolment

        written = load_enrolment(request)
        _decide(output, "recover", written.party, operator_key, trust, patience, find_home(home, url), written)


@app.command()
def compromise(
    party: Annotated[str, typer.Argument(help="Id of the party.")],
    operator_key: OperatorKeys,
    key: Annotated[list[str], typer.Option(help="A kid, or a use for its newest key. Repeat it for each.")],
    since: Annotated[str, typer.Option(help="From when they were in other hands: a time as 2026-11-22T09:30:00Z.")],
    trust: TrustFile = None,
    patience: Patience = 30.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Declare keys of a party compromised: what they signed since then is doubted, and nothing more is accepted."""
    authority_id(party)
    with reporting(json) as output:
        told = KeysTold(tuple(key), since)
        _decide(output, "compromise", party, operator_key, trust, patience, find_home(home, url), told=told)


@dataclass(frozen=True)
class KeysTold:
    """Keys as an operator names them, and the time since when they are in other hands, as text."""

    keys: tuple[str, ...]
    since: str

    def compromise(self, directory: Directory, party: str) -> Compromise:
        """Raises typer.BadParameter, KeyNotFound."""
        from shared.domain.ids import parse_time
        from shared.errors import KeyNotFound
        from shared.keys.directory import Compromise

        known = directory.party(party)
        registered = known.keys if known else ()
        kids = []
        for named in self.keys:
            found = [key.kid for key in registered if named in (key.kid, key.use)]
            if not found:
                raise KeyNotFound(kid=named)
            kids.append(found[-1])
        try:
            return Compromise(tuple(kids), parse_time(self.since))
        except ValueError:
            raise typer.BadParameter("--since is a time in UTC, such as 2026-11-22T09:30:00Z") from None


def _decide(
    output: Output,
    type_: EventType,
    party: str,
    keys: list[Path],
    trust_file: Path | None,
    patience_s: float,
    place: Home,
    request: EnrolmentRequest | None = None,
    told: KeysTold | None = None,
) -> None:
    """Make the next key event, post it, wait until the directory shows it."""
    from client.directory_history import replay_history
    from client.enrolment import await_event, make_event

    trust = place.trust(trust_file)
    operators = [load_operator(place, path) for path in keys]
    exchange = exchange_as(operators[0], "operator", place.require_url(), trust)
    before = replay_history(exchange.directory().events, trust).latest
    compromise = None if told is None else told.compromise(before, party)
    event = make_event(type_, party, before, operators, trust, now(), request, compromise)
    exchange.post_key_event(event)
    directory = await_event(exchange, trust, before.index + 1, event, patience_s)
    known = directory.party(party)
    kids = request.kids() if request is not None else {}
    document = {
        "party": party,
        "event": type_,
        "seq": before.index + 1,
        "status": known.status if known else None,
        "kids": kids,
    }

    def render(console: Any) -> None:
        say(
            console,
            _(
                "{party}: {type} is key event {seq}; now {status}",
                party=party,
                type=type_,
                seq=before.index + 1,
                status=document["status"],
            ),
        )
        for use, kid in kids.items():
            say(console, f"  {use:<13} {fingerprint(kid)}")

    output.show(document, render)
