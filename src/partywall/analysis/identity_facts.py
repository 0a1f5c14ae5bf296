"""The facts of identity policies: what one document lets its bearer do on any resource of the account."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from partywall.analysis import identity_methods as methods
from partywall.analysis.globs import covers
from partywall.analysis.iam.document import Policy, Statement
from partywall.analysis.iam.evaluate import Tri, either
from partywall.analysis.iam.operators import Condition
from partywall.analysis.iam.review import masker, service_masks, wildcard_services
from partywall.analysis.iam.universe import Universe, actions
from partywall.analysis.names import Names

_PARTITION: Final = re.compile(r"arn:(?:aws[a-z-]*|\*):")

# Keys about how or when the caller comes: they do not lessen what can be done.
_CIRCUMSTANCES: Final = frozenset(
    (
        "aws:currenttime",
        "aws:epochtime",
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principaltype",
        "aws:referer",
        "aws:securetransport",
        "aws:sourceidentity",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:userid",
        "aws:username",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
    )
)
# Keys about what is acted on or by what way: they lessen it.
_SCOPES: Final = frozenset(
    (
        "aws:calledvia",
        "aws:calledviaawsmcp",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:ismcpserviceaction",
        "aws:requestedregion",
        "aws:tagkeys",
        "aws:viaawsmcpservice",
        "aws:viaawsservice",
    )
)
_BY_WAYS: Final = frozenset(("aws:ismcpserviceaction", "aws:viaawsmcpservice", "aws:viaawsservice"))
_SCOPE_PREFIXES: Final = ("aws:requesttag/", "aws:resourcetag/")
_OWN_RESOURCES: Final = frozenset(("aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"))

# Without these an "all actions" document is a power user's, not an administrator's.
_ADMIN_ACTIONS: Final = (
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:createaccesskey",
    "iam:createpolicyversion",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
)
_SINGLE: Final = (
    "iam:passrole",
    "kms:decrypt",
    "kms:reencryptfrom",
    "s3:getobject",
    "secretsmanager:getsecretvalue",
    "sts:assumerole",
)


@lru_cache(maxsize=4096)
def _narrows(conditions: tuple[Condition, ...], owner: str) -> Tri:
    """Whether a Condition block lessens what can be acted on; None where a key is not known."""
    answer: Tri = False
    for condition in conditions:
        answer = either(answer, _one_narrows(condition, owner))
    return answer


def _one_narrows(condition: Condition, owner: str) -> Tri:
    key, operator = condition.lower_key, condition.name
    if not condition.values:
        return None
    if key in _CIRCUMSTANCES or key.startswith("aws:principaltag/"):
        return False
    if condition.if_exists or condition.quantifier == "all" or "not" in operator:
        # Whatever lacks the key, or has another value, stays open.
        return False
    if all(value == "*" for value in condition.values) and operator.endswith("like"):
        return False
    if key in _OWN_RESOURCES:
        own = key == "aws:resourceaccount" and owner in condition.values
        return not (own or (condition.variables and any("${" in value for value in condition.values)))
    if operator == "bool" and key in _BY_WAYS and all(value.lower() == "false" for value in condition.values):
        # Only calls that a service forwards are left out.
        return False
    if key in _SCOPES or key.startswith(_SCOPE_PREFIXES):
        return True
    # Keys of a service are missing from all other requests, so that the block does not hold for them.
    return None if key.startswith("aws:") else True


@lru_cache(maxsize=1)
def _known() -> int:
    """The actions that the facts ask about one by one."""
    named: Iterable[str] = (
        *_SINGLE,
        *_ADMIN_ACTIONS,
        *(action for taken in methods.escalation().values() for action in taken),
        *(action.lower() for action in methods.DISABLE_LOGGING + methods.MAKE_PUBLIC),
    )
    return actions().bits(dict.fromkeys(named))


def _anywhere(statement: Statement, owner: str) -> int:
    """Of the known actions those that a statement takes in on all resources that they act on."""
    mask = masker().statement(statement) & _known()
    if not mask or _on_all(statement):
        return mask
    if statement.not_resource or not statement.resources:
        return 0
    universe = actions()
    return universe.bits(a for a in universe.names(mask) if _covers_all(statement.resources, a, owner))


def _on_all(statement: Statement) -> bool:
    if statement.not_resource:
        return not statement.resources
    return statement.resources is None or any(r.strip("*") == "" for r in statement.resources)


def _covers_all(resources: tuple[str, ...], action: str, owner: str) -> bool:
    plain = [_PARTITION.sub("arn:aws:", r, count=1) for r in resources]
    return _all_covered(tuple(plain), methods.all_resources(action, owner))


@lru_cache(maxsize=16384)
def _all_covered(patterns: tuple[str, ...], alternatives: tuple[tuple[str, ...], ...]) -> bool:
    return any(all(any(covers(p, want) for p in patterns) for want in wanted) for wanted in alternatives)


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a document allows on all resources, as bitsets: for certain, or if open conditions hold."""

    universe: Universe
    wide: int
    """All actions on `*`; `wide_may` likewise; denials without conditions are taken off."""
    wide_may: int
    known: int
    known_may: int
    admin: Tri
    starred: Tri
    undecided: tuple[str, ...]

    def everywhere(self, *names: str) -> Tri:
        """Whether the known actions are allowed on all resources that they can act on."""
        wanted = self.universe.bits(names)
        if not wanted or wanted & ~self.known_may:
            return False
        return None if wanted & ~self.known else True


def _reach(policy: Policy, owner: str) -> _Reach:
    wide = wide_may = known = known_may = 0
    undecided: set[str] = set()
    stars: list[tuple[int, Tri]] = []
    for s in policy.statements:
        if not s.allow or s.broken or (narrowed := _narrows(s.conditions, owner)) is True:
            continue
        on_all = masker().statement(s) if _on_all(s) else 0
        mine = _anywhere(s, owner)
        wide_may, known_may = wide_may | on_all, known_may | mine
        if narrowed is None:
            undecided |= {c.lower_key for c in s.conditions if _one_narrows(c, owner) is None}
        else:
            wide, known = wide | on_all, known | mine
        if on_all and (s.not_action or on_all == actions().all):
            stars.append((on_all, None if narrowed is None else True))
    for s in policy.statements:
        if not s.allow and not s.conditions and not s.broken:
            off = masker().statement(s) if _on_all(s) else 0
            gone = _anywhere(s, owner)
            wide, wide_may, known, known_may = wide & ~off, wide_may & ~off, known & ~gone, known_may & ~gone
    needed = actions().bits(_ADMIN_ACTIONS)
    admin: Tri = False
    starred: Tri = False
    for mask, certain in stars:
        # IAM itself must stay open.
        admin = either(admin, certain if not needed & ~mask and not needed & ~known_may else False)
        starred = either(starred, certain if mask == actions().all and wide_may else False)
    return _Reach(actions(), wide, wide_may, known, known_may, admin, starred, tuple(sorted(undecided)))


def identity_facts(policy: Policy, owner: str) -> dict[str, Any]:
    """The fields of `FACTS["identity"]`."""
    reach = _reach(policy, owner)
    allows = [s for s in policy.statements if s.allow]
    escalation, disabling, opening = Names(), Names(), Names()
    if reach.known_may:
        for method, taken in methods.escalation().items():
            escalation.put((method,), reach.everywhere(*taken))
        for names, listed in ((disabling, methods.DISABLE_LOGGING), (opening, methods.MAKE_PUBLIC)):
            for action in listed:
                names.put((action,), reach.everywhere(action.lower()))
    return {
        "undecided": reach.undecided,
        "is_admin": reach.admin,
        "allow_not_action": any(s.not_action for s in allows),
        "allow_not_resource": any(s.not_resource for s in allows),
        "full_service_access": _full_services(reach).value(),
        "escalation": escalation.value(),
        "pass_role_any": reach.everywhere("iam:passrole"),
        "assume_role_any": reach.everywhere("sts:assumerole"),
        "decrypt_any_key": either(reach.everywhere("kms:decrypt"), reach.everywhere("kms:reencryptfrom")),
        "secrets_any": reach.everywhere("secretsmanager:getsecretvalue"),
        "full_cloudtrail": _whole(reach, "cloudtrail"),
        "full_kms": _whole(reach, "kms"),
        "s3_read_any": reach.everywhere("s3:getobject"),
        "can_disable_logging": disabling.value(),
        "can_make_public": opening.value(),
    }


def _whole(reach: _Reach, service: str) -> Tri:
    """Whether every action of a service is allowed on every resource."""
    mask = service_masks()[service]
    if mask & ~reach.wide_may:
        return False
    return None if mask & ~reach.wide else True


def _full_services(reach: _Reach) -> Names:
    """The services of which every action is allowed on every resource; `*` alone where an Allow takes all."""
    names = Names()
    if reach.starred is not False:
        names.put(("*",), reach.starred)
        return names
    sure = wildcard_services(reach.wide)
    names.add(sure)
    if set(wildcard_services(reach.wide_may)) - set(sure):
        names.doubt()
    return names
