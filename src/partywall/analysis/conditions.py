"""How far a condition bounds who a statement admits: three-valued, by what AWS documents of its key.

Titles: IAM User Guide, AWS JSON policy elements: Condition operators; AWS global condition context keys;
Amazon S3 User Guide, Blocking public access to your Amazon S3 storage. Where the S3 page calls any wildcard
public, this module asks what the wildcard leaves open: an ARN pattern with a fixed account is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Final

from partywall.analysis import condition_keys as keys
from partywall.analysis.globs import has_wildcard
from partywall.analysis.policy_document import Condition
from partywall.analysis.principals import is_account

_NEGATED: Final = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}
_LITERAL: Final = frozenset(("stringequals", "stringequalsignorecase"))
_PATTERN: Final = frozenset(("stringlike", "arnlike", "arnequals"))
_TEXT: Final = _LITERAL | _PATTERN
_OTHERS: Final = frozenset(
    f"{family}{relation}"
    for family in ("numeric", "date")
    for relation in ("equals", "lessthan", "lessthanequals", "greaterthan", "greaterthanequals")
) | {"bool", "binaryequals", "ipaddress", "null"}
OPERATORS: Final = frozenset(_NEGATED) | _TEXT | _OTHERS

# Broader ranges than these are "public" on the S3 page; private ranges are excepted there.
_WIDEST_V4, _WIDEST_V6 = 8, 32

_OWN: Final = {
    "aws:principalaccount": "${aws:resourceaccount}",
    "aws:sourceaccount": "${aws:resourceaccount}",
    "aws:vpceaccount": "${aws:resourceaccount}",
    "aws:resourceaccount": "${aws:principalaccount}",
    "aws:principalorgid": "${aws:resourceorgid}",
    "aws:sourceorgid": "${aws:resourceorgid}",
    "aws:vpceorgid": "${aws:resourceorgid}",
    "aws:resourceorgid": "${aws:principalorgid}",
    "aws:principalorgpaths": "${aws:resourceorgpaths}",
    "aws:sourceorgpaths": "${aws:resourceorgpaths}",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """Whom a condition, or several, leaves in: `bounded` True for a closed set, None for unknown."""

    bounded: bool | None = False
    accounts: frozenset[str] | None = None
    """The accounts it names; None where it names none."""
    organizations: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    via: frozenset[str] = frozenset()
    """The accounts whose endpoint or access point callers must come by."""
    source: bool | None = False
    """Binds a service's call to the account or resource that it acts for."""
    signed: bool = False
    """Anonymous requests cannot meet it."""
    mfa: bool = False
    external_id: bool = False
    tls: bool = False
    undecided: frozenset[str] = frozenset()


OPEN: Final = Limit()
"""Every caller can meet it."""

NOBODY: Final = Limit(True, frozenset(), source=True, signed=True, mfa=True, external_id=True, tls=True)
"""No caller can meet it."""


def both(limits: Iterable[Limit]) -> Limit:
    """The limit of all of `limits` at once (conditions of one statement)."""
    listed = [limit for limit in limits if limit is not OPEN]
    if len(listed) < 2:
        return listed[0] if listed else OPEN
    accounts = [limit.accounts for limit in listed if limit.accounts is not None]
    return Limit(
        bounded=_any(limit.bounded for limit in listed),
        accounts=frozenset.intersection(*accounts) if accounts else None,
        organizations=frozenset[str]().union(*(limit.organizations for limit in listed)),
        services=frozenset[str]().union(*(limit.services for limit in listed)),
        via=frozenset[str]().union(*(limit.via for limit in listed)),
        source=_any(limit.source for limit in listed),
        signed=any(limit.signed for limit in listed),
        mfa=any(limit.mfa for limit in listed),
        external_id=any(limit.external_id for limit in listed),
        tls=any(limit.tls for limit in listed),
        undecided=frozenset[str]().union(*(limit.undecided for limit in listed)),
    )


def either(limits: Iterable[Limit]) -> Limit:
    """The limit of callers that meet one of `limits` at least; nobody where there are none."""
    listed = [limit for limit in limits if limit is not NOBODY]
    if len(listed) < 2:
        return listed[0] if listed else NOBODY
    accounts = [limit.accounts for limit in listed if limit.accounts is not None]
    return Limit(
        bounded=_all(limit.bounded for limit in listed),
        # Where one way in names no accounts, the others' accounts do not narrow the principals.
        accounts=frozenset[str]().union(*accounts) if len(accounts) == len(listed) else None,
        organizations=frozenset[str]().union(*(limit.organizations for limit in listed)),
        services=frozenset[str]().union(*(limit.services for limit in listed)),
        via=frozenset[str]().union(*(limit.via for limit in listed)),
        source=_all(limit.source for limit in listed),
        signed=all(limit.signed for limit in listed),
        mfa=all(limit.mfa for limit in listed),
        external_id=all(limit.external_id for limit in listed),
        tls=all(limit.tls for limit in listed),
        undecided=frozenset[str]().union(*(limit.undecided for limit in listed)),
    )


def _any(values: Iterable[bool | None]) -> bool | None:
    listed = list(values)
    return True if True in listed else None if None in listed else False


def _all(values: Iterable[bool | None]) -> bool | None:
    listed = list(values)
    return False if False in listed else None if None in listed else True


@lru_cache(maxsize=16384)
def limit_of(conditions: tuple[Condition, ...], owner: str) -> Limit:
    """Whom the Condition block of an Allow statement leaves in; `owner` is the resource's account id."""
    if not conditions:
        return OPEN
    required = frozenset(
        c.key for c in conditions if c.operator == "null" and set(map(str.lower, c.values)) == {"false"}
    )
    return both(_judge(c, owner, c.key in required) for c in conditions)


@lru_cache(maxsize=16384)
def limit_of_escape(conditions: tuple[Condition, ...], owner: str) -> Limit:
    """Whom a Deny to everyone with this Condition block spares; nobody where it has no condition."""
    return either(_judge_escape(c, owner) for c in conditions)


def _unknown(condition: Condition) -> Limit:
    # A key that cannot be judged may do all that a condition can, but only bounds are kept three-valued.
    return Limit(None, source=None, undecided=frozenset((condition.key,)))


def _judge(condition: Condition, owner: str, required: bool) -> Limit:
    """The limit of one condition; `required`: the same block asks for the key to be present."""
    operator, key = condition.operator, condition.key
    if operator not in OPERATORS or not condition.values:
        return _unknown(condition)
    if operator == "null":
        known = keys.is_open(key) or key in _JUDGED
        return OPEN if known else _unknown(condition)
    if operator in _NEGATED:
        # It also holds where the key is missing, which any caller can bring about for known keys.
        if "*" in condition.values:
            return _unknown(condition)
        if key == "aws:principaltype" and condition.values == ("Anonymous",):
            return Limit(signed=True)
        return OPEN
    if key in keys.DATES:
        return _unknown(condition)
    loose = (condition.if_exists or condition.quantifier == "forallvalues") and not required
    if loose and key not in keys.ALWAYS_PRESENT:
        return OPEN if keys.is_open(key) or key in _JUDGED else _unknown(condition)
    if condition.variables:
        return _variable(condition, owner)
    found = _bound(condition, owner)
    if keys.is_signed_only(key) and not found.signed and found.bounded is not None:
        return both((found, Limit(signed=True)))
    return found


def _judge_escape(condition: Condition, owner: str) -> Limit:
    """Who makes the condition false, and so is spared by its Deny."""
    operator, key = condition.operator, condition.key
    if operator not in OPERATORS or not condition.values:
        return _unknown(condition)
    lowered = tuple(value.lower() for value in condition.values)
    if operator == "null":
        if lowered != ("true",):
            return OPEN
        return _flags(key) if keys.is_open(key) or key in _JUDGED else _unknown(condition)
    if operator in _NEGATED:
        # ForAnyValue also spares requests without the key.
        if condition.quantifier == "foranyvalue":
            return OPEN
        positive = Condition(_NEGATED[operator], key, condition.values, variables=condition.variables)
        return _judge(positive, owner, required=True)
    if operator == "bool" and len(lowered) == 1 and lowered[0] in ("true", "false"):
        if not condition.if_exists and key not in keys.ALWAYS_PRESENT:
            return OPEN
        flipped = "false" if lowered[0] == "true" else "true"
        return _judge(Condition("bool", key, (flipped,)), owner, required=True)
    return OPEN


def _variable(condition: Condition, owner: str) -> Limit:
    """Comparisons with a policy variable: those that mean "the owner's own" are known."""
    own = _OWN.get(condition.key)
    if own is not None and all(value.lower() == own for value in condition.values):
        if condition.key.endswith("account"):
            return _account(condition.key, frozenset((owner,)))
        return Limit(True, source=condition.key in keys.SOURCES, signed=True)
    if condition.key in _JUDGED or condition.key.startswith("aws:resource"):
        return _unknown(condition)
    return OPEN if keys.is_open(condition.key) else _unknown(condition)


def _flags(key: str) -> Limit:
    """What a request that carries the key shows by that alone."""
    # MultiFactorAuthPresent is there, and false, for temporary credentials without MFA; the age is not.
    return Limit(signed=keys.is_signed_only(key), mfa=key == "aws:multifactorauthage")


def _bound(condition: Condition, owner: str) -> Limit:
    operator, key, values = condition.operator, condition.key, condition.values
    if key == "aws:sourceip" and operator == "ipaddress":
        return _addresses(values, condition)
    if operator == "bool" or key in _SWITCHES:
        return _switch(condition)
    if key == "aws:multifactorauthage":
        return Limit(signed=True, mfa=operator in ("numericlessthan", "numericlessthanequals"))
    if operator in _TEXT:
        if key in _JUDGED:
            return either(_value(key, value, operator) for value in values)
        if key.startswith("kms:encryptioncontext:aws:"):
            # The caller chooses the context, but a service fills these in with the ARN that it acts for.
            bound = either(_value("aws:sourcearn", value, operator) for value in values)
            return Limit(source=bound.source)
        if key == "sts:externalid":
            return Limit(signed=True, external_id=not any(_is_loose(v, operator) for v in values))
        if key == "lambda:functionurlauthtype":
            return Limit(signed=all(value.upper() != "NONE" for value in values))
        if key == "aws:principaltype":
            return Limit(signed="Anonymous" not in values)
    if keys.is_open(key):
        return OPEN
    return _unknown(condition)


def _is_loose(value: str, operator: str) -> bool:
    return operator in _PATTERN and has_wildcard(value)


def _switch(condition: Condition) -> Limit:
    key = condition.key
    lowered = {value.lower() for value in condition.values}
    on = lowered == {"true"}
    if key == "aws:principalisawsservice":
        return Limit(True, services=frozenset(("*",)), signed=True) if on else OPEN
    if key == "elasticfilesystem:accessedviamounttarget":
        return Limit(True) if on else OPEN
    if key == "aws:multifactorauthpresent":
        return Limit(signed=True, mfa=on)
    if key == "aws:securetransport":
        return Limit(tls=on)
    if key == "kms:grantisforawsresource" and on:
        return Limit(signed=True)
    return OPEN if keys.is_open(key) else _unknown(condition)


def _value(key: str, value: str, operator: str) -> Limit:
    """Whom one value of a text condition leaves in."""
    loose = _is_loose(value, operator)
    source = key in keys.SOURCES
    if key in keys.ACCOUNTS:
        if loose:
            return OPEN
        accounts = frozenset((value,)) if is_account(value) else frozenset[str]()
        return _account(key, accounts)
    if key in keys.ORGANIZATIONS:
        organization = value.partition("/")[0]
        if loose and has_wildcard(organization):
            return OPEN
        return Limit(True, organizations=frozenset((organization,)), source=source, signed=True)
    if key in keys.ARNS:
        return _arn(key, value, loose)
    if key == "aws:userid":
        return _user_id(value, loose)
    if key in keys.SERVICES:
        return OPEN if loose else Limit(True, services=frozenset((value,)), signed=True)
    if key == "sns:endpoint":
        # `*@example.com` and `https://example.com/*` still fix whose endpoint it is.
        fixed = not loose or ("*" not in value.rpartition("@")[2] if "@" in value else _fixed_host(value))
        return Limit(True) if fixed else OPEN
    return OPEN if loose else Limit(True, source=source)


def _fixed_host(value: str) -> bool:
    scheme, mark, rest = value.partition("://")
    host = rest.partition("/")[0]
    return bool(mark and host) and not has_wildcard(scheme) and not has_wildcard(host)


def _account(key: str, accounts: frozenset[str]) -> Limit:
    if key in keys.VIA:
        return Limit(True, via=accounts)
    return Limit(True, accounts, source=key in keys.SOURCES, signed=True)


def _arn(key: str, value: str, loose: bool) -> Limit:
    fields = value.split(":", 5)
    if len(fields) < 6:
        return OPEN if loose else _account(key, frozenset())
    account, resource = fields[4], fields[5]
    if is_account(account):
        return _account(key, frozenset((account,)))
    if loose and (has_wildcard(account) or has_wildcard(resource.partition("/")[0])):
        return OPEN
    # An S3 bucket's ARN has no account, but its name is one owner's only.
    return Limit(True, source=key in keys.SOURCES, signed=True)


def _user_id(value: str, loose: bool) -> Limit:
    if is_account(value):
        return Limit(True, frozenset((value,)), signed=True)
    if loose and has_wildcard(value.partition(":")[0]):
        return OPEN
    return Limit(True, signed=True)


@lru_cache(maxsize=4096)
def _ranges(values: tuple[str, ...]) -> bool | None:
    """Whether the address ranges are narrow enough; None where one is no CIDR."""
    v4: list[IPv4Network] = []
    v6: list[IPv6Network] = []
    for value in values:
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            return None
        if isinstance(network, IPv4Network):
            v4.append(network)
        else:
            v6.append(network)
    wide4 = any(n.prefixlen < _WIDEST_V4 for n in collapse_addresses(v4))
    wide6 = any(n.prefixlen < _WIDEST_V6 and not n.is_private for n in collapse_addresses(v6))
    return not (wide4 or wide6)


def _addresses(values: tuple[str, ...], condition: Condition) -> Limit:
    narrow = _ranges(values)
    if narrow is None:
        return _unknown(condition)
    return Limit(True) if narrow else OPEN


_SWITCHES: Final = frozenset(
    ("aws:multifactorauthpresent", "aws:principalisawsservice", "aws:securetransport")
)
_JUDGED: Final = (
    keys.ACCOUNTS
    | keys.ORGANIZATIONS
    | keys.ARNS
    | keys.NETWORKS
    | keys.FIXED
    | keys.SERVICES
    | {"aws:userid", "aws:sourceip", "aws:principalisawsservice", "elasticfilesystem:accessedviamounttarget"}
)
