"""What interfaces are called for people: by what holds them, not by ids that nobody knows by heart."""

from __future__ import annotations

from typing import Final

from partywall.analysis.network.assumed import is_assumed
from partywall.analysis.network.model import Interface
from partywall.analysis.network.stand_ins import is_stand_in
from partywall.analysis.network.study import Study
from partywall.analysis.network.words import title_of

_SERVICES: Final = {"elasticloadbalancing": "load balancer", "es": "opensearch"}


def called(found: Study, each: Interface, *, short: bool = False) -> str:
    """An instance's or service's name, or what the interface itself is called; `short`: without its kind."""
    if is_assumed(each):
        return f"{each.vpc} of account {each.account} (not scanned)"
    if each.instance:
        tags = found.instances.get(each.instance, {}).get("tags") or {}
        return str(tags.get("Name") or each.instance)
    if is_stand_in(each):
        name = each.name or each.owner.rpartition("/")[2] or each.owner.rpartition(":")[2]
        service = each.owner.split(":")[2] if each.owner.startswith("arn:") else ""
        return f"{name} ({_SERVICES.get(service, service)})" if service and not short else name
    return title_of(each)
