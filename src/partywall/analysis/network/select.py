"""What people name in a question: the internet, ids, ARNs, names, addresses, groups, subnets, VPCs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from partywall.analysis.network.addresses import cidr
from partywall.analysis.network.answers import Place
from partywall.analysis.network.model import Interface
from partywall.analysis.network.study import Study
from partywall.errors import UserError

_WORDS = {"internet": "internet", "on-premises": "outside", "outside": "outside"}


def interfaces_of(found: Study, text: str) -> list[Interface]:
    """The interfaces that a selector names; empty where none does.

    An id (eni-, i-, subnet-, vpc-, sg-), an ARN, a name, an account id, tag:KEY=VALUE, group:NAME,
    subnet:NAME, vpc:NAME, account:ID or env:NAME.
    """
    return [each for each in found.scanned.network.interfaces if text in set(_names(found, each))]


def _names(found: Study, each: Interface) -> Iterator[str]:
    network = found.scanned.network
    yield from (each.id, each.instance, each.subnet, each.vpc, each.account, each.name, each.owner)
    yield f"account:{each.account}"
    row = found.rows.get(each.id, {})
    yield row.get("arn") or each.id
    if each.instance:
        yield from (f"arn:aws:ec2:{each.region}:{each.account}:instance/{each.instance}",)
        tags = found.instances.get(each.instance, {}).get("tags") or {}
        yield str(tags.get("Name") or each.instance)
    else:
        tags = {}
    for group in each.groups or ():
        yield group
        held = network.index["security_groups"].get(group)
        if held is not None and held.name:
            yield f"group:{held.name}"
    for kind, id_ in (("subnets", each.subnet), ("vpcs", each.vpc)):
        held = network.index[kind].get(id_)
        if held is not None and held.name:
            yield f"{kind[:-1]}:{held.name}"
    environment = found.environment(each)
    if environment:
        yield from (environment, f"env:{environment}")
    for key, value in {**(row.get("tags") or {}), **tags}.items():
        yield f"tag:{key}={value}"
    for address in each.addresses:
        from partywall.analysis.network.addresses import text as written

        yield written(address.private)
        if address.public is not None:
            yield written(address.public)
    if each.owner:
        yield each.owner.rpartition("/")[2]
        yield each.owner.rpartition(":")[2]


def places_of(found: Study, text: str, *, target: bool = False) -> list[Place]:
    """The places that a selector names; raises UserError with near names where there is none."""
    word = _WORDS.get(text.lower())
    if word == "internet":
        return [Place.internet()]
    if word == "outside":
        return [Place.outside()]
    named = interfaces_of(found, text)
    if named:
        return [Place.interface(each.id) for each in named]
    try:
        block = cidr(text)
    except ValueError:
        block = None
    if block is not None:
        if target:
            return [Place.address(block)]
        inside = [
            each
            for each in found.scanned.network.interfaces
            if any(a.private in block for a in each.addresses)
        ]
        return [Place.interface(each.id) for each in inside] or [Place.internet(block)]
    every = {n for each in found.scanned.network.interfaces for n in _names(found, each) if n}
    near = difflib.get_close_matches(text, every, n=3)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    raise UserError(f"nothing in the scan's network is called {text!r}{hint}")
