"""`comity operator witnesses`: who must cosign the ledger, from the next start on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.home import load_trust
from comity.options import Json
from comity.output import reporting, say
from comity.words import _, retold

if TYPE_CHECKING:
    from shared.keys.witness_policy import WitnessPolicy


def witnesses(
    policy: Annotated[str, typer.Argument(help="File with a C2SP tlog-policy; `none` in development.")],
    data: Annotated[Path, typer.Option(help="Directory of the exchange.")],
    json: Json = False,
) -> None:
    """Put another witness policy into the exchange's trust file.

    It holds from the next start of gateway and ledger on. Parties and auditors go on believing by the trust file that
    they have: hand the new one to each, from person to person (comity trust import --replace).
    """
    with reporting(json) as output:
        from dataclasses import replace

        from shared.adapters.durable_file import write_durably
        from shared.adapters.keyfiles import TRUST_FILE
        from shared.audit.quorum import rule_of
        from shared.keys.trust import encode_trust

        file = data / TRUST_FILE
        trust = replace(load_trust(file), witness_policy=read_policy(policy))
        read = rule_of(trust).policy
        require_reachable(read)
        write_durably(file, encode_trust(trust))
        document = {"trust_file": str(file), "quorum": read.told(), "witnesses": list(read.witnesses)}

        def render(console: Any) -> None:
            say(
                console,
                _(
                    "{file} asks for {quorum} from the next start of gateway and ledger on.",
                    file=file,
                    quorum=retold(read.told()),
                ),
            )
            say(
                console, _("Hand it to every party and auditor, from person to person: until then they ask for others.")
            )

        output.show(document, render)


def read_policy(given: str) -> str:
    """The text of a policy file, or `none`. Raises SettingsRefused."""
    from shared.errors import SettingsRefused
    from shared.keys.witness_policy import NO_WITNESSES

    if given == NO_WITNESSES:
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as broken:
        why = broken.strerror if isinstance(broken, OSError) else broken
        raise SettingsRefused(why=f"the witness policy {given} cannot be read: {why}") from None


def require_reachable(policy: WitnessPolicy) -> None:
    """Raises SettingsRefused where witnesses with an address are no quorum: the ledger could not ask the others."""
    from shared.errors import SettingsRefused

    if not policy.is_met_by({one.name for one in policy.witnesses.values() if one.url}):
        why = f"{policy.told()} must cosign, and the policy gives no address for enough of them: `witness NAME KEY URL`"
        raise SettingsRefused(why=why)
