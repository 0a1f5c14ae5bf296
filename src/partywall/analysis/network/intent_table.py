"""Builds the table `network_intent`: how each intent that a scan was given stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.network.intent import Intents
from partywall.analysis.network.intent_held import Breach, Held, Holder
from partywall.analysis.network.study import study
from partywall.analysis.network.tables import as_table
from partywall.analysis.network.words import services_text

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.lake.engine import Lake

_KEPT: Final = {"kept": True, "breached": False, "unknown": None}
_SHOWN: Final = 200


def intents(lake: Lake) -> pa.Table:
    """A row per intent of the scan's manifest; none where it was given none."""
    given = Intents.of(lake.manifest.intents)
    if not given.intents:
        return as_table("network_intent", [])
    found = study(lake)
    holder = Holder(found, given)
    # An intent spans accounts: it stands with the first of them, so that it stays where it is.
    account = min(lake.manifest.accounts, key=lambda a: a["account_id"])
    return as_table("network_intent", [_row(holder, given.file, held, account) for held in holder.all()])


def _row(holder: Holder, file: str, held: Held, account: dict[str, str]) -> dict[str, Any]:
    intent, id_ = held.intent, account["account_id"]
    partition = account.get("partition") or "aws"
    known = held.state != "unknown"
    return {
        "account_id": id_,
        "region": "global",
        "arn": f"arn:{partition}:partywall::{id_}:network-intent/{intent.key}",
        "name": intent.text,
        "tags": [],
        "kind": intent.kind,
        "source": intent.source,
        "target": intent.target,
        "ports": intent.on,
        "file": file,
        "line": intent.line,
        "kept": _KEPT[held.state],
        "because": held.because,
        "breaches": [breach_row(holder, each) for each in held.breaches[:_SHOWN]] if known else [None],
        "path": list(held.hops) if known else None,
        "_failed": list(held.failed),
    }


def breach_row(holder: Holder, each: Breach) -> dict[str, Any]:
    """A breach for people and for SQL."""
    here, there = holder.interface(each.source), holder.interface(each.target)
    return {
        "source": holder.title(each.source),
        "source_account": here.account if here else "",
        "target": holder.title(each.target),
        "target_account": there.account if there else "",
        "services": services_text(each.services),
        "alike": each.alike,
    }
