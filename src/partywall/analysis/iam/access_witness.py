"""A witness of an access as a request that the engine decides, so that what is told can be shown."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from partywall.analysis.iam.access import Target, Witness
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import parse
from partywall.analysis.iam.evaluate import Layer, Policies
from partywall.analysis.iam.principal import Kind
from partywall.analysis.iam.request import Request, Resource
from partywall.analysis.iam.rules import PolicySet


def request_of(witness: Witness, target: Target) -> tuple[Request, Policies]:
    """The request of a witness and the policies that bear on it; its caller may do all by their own."""
    who = witness.caller.principal
    if who.kind is Kind.ROLE_SESSION and (arn := witness.context.get("aws:principalarn")):
        who = replace(who, role_arn=arn[0])
    elif who.kind is Kind.USER and (arn := witness.context.get("aws:principalarn")):
        who = replace(who, arn=arn[0])
    told = {k: v for k, v in witness.context.items() if v is not None}
    settings = {k: v for k, v in target.settings.items() if v is not None}
    context = Context(
        {**settings, **told}, missing=[k for k, v in witness.context.items() if v is None], complete=True
    )
    resource = Resource(witness.resource, target.account, target.tags, target.organization, target.management)
    bearing = Policies(
        identity=_everything(),
        resource=target.policies,
        rcps=(_all(), *target.rcps) if target.rcps else (),
        public_blocked=target.public_blocked,
        unread=frozenset((Layer.RCP,)) if target.rcps_unread else frozenset(),
    )
    if target.rcps:
        # Each level holds RCPFullAWSAccess, which cannot be detached.
        levels = tuple(PolicySet([*level.policies, *_all().policies]) for level in target.rcps)
        bearing = replace(bearing, rcps=levels)
    return Request(who, witness.action, resource, context), bearing


@lru_cache(maxsize=1)
def _everything() -> PolicySet:
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    }
    return PolicySet([parse(document, "the caller's own", principal=False)])


@lru_cache(maxsize=1)
def _all() -> PolicySet:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": statement}
    return PolicySet([parse(document, "RCPFullAWSAccess", principal=True)])
