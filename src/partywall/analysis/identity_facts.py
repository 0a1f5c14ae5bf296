"""The facts of identity policies: what one document lets its bearer do on any resource of the account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from partywall.analysis import identity_methods as methods
from partywall.analysis.conditions import OPERATORS, limit_of, limit_of_escape
from partywall.analysis.globs import Globs, covers, has_wildcard
from partywall.analysis.names import Answer, Names
from partywall.analysis.policy_document import Condition, Document, Statement

_PARTITION: Final = re.compile(r"arn:aws[a-z-]*:")

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
_NEGATED: Final = frozenset(op for op in OPERATORS if "not" in op)

# Without these an "all actions" document is a power user's, not an administrator's.
_ADMIN_ACTIONS: Final = (
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:createaccesskey",
    "iam:createpolicyversion",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
)
# What may be left open without MFA so that people can enrol a device or start a session.
_SELF_SERVICE: Final = Globs(
    (
        "iam:changepassword",
        "iam:createvirtualmfadevice",
        "iam:deletevirtualmfadevice",
        "iam:enablemfadevice",
        "iam:get*",
        "iam:list*",
        "iam:resyncmfadevice",
        "sts:getcalleridentity",
        "sts:getsessiontoken",
    )
)


@lru_cache(maxsize=4096)
def _narrows(conditions: tuple[Condition, ...], owner: str) -> bool | None:
    """Whether a Condition block lessens what can be acted on; None where a key is not known."""
    answer = Answer()
    for condition in conditions:
        answer.put(_one_narrows(condition, owner))
    return answer.value


def _one_narrows(condition: Condition, owner: str) -> bool | None:
    key, operator = condition.key, condition.operator
    if operator not in OPERATORS or not condition.values:
        return None
    if key in _CIRCUMSTANCES or key.startswith("aws:principaltag/"):
        return False
    if condition.if_exists or condition.quantifier == "forallvalues" or operator in _NEGATED:
        # Whatever lacks the key, or has another value, stays open.
        return False
    if all(value == "*" for value in condition.values) and operator.endswith("like"):
        return False
    if key in _OWN_RESOURCES:
        own = key == "aws:resourceaccount" and owner in condition.values
        return not (own or condition.variables)
    if operator == "bool" and key in _BY_WAYS and all(value.lower() == "false" for value in condition.values):
        # Only calls that a service forwards are left out.
        return False
    if key in _SCOPES or key.startswith(_SCOPE_PREFIXES):
        return True
    # Keys of a service are missing from all other requests, so that the block does not hold for them.
    return None if key.startswith("aws:") else True


@dataclass(frozen=True, slots=True)
class _Reach:
    """The Allow statements that no condition narrows for certain, and the Deny ones that always hold."""

    owner: str
    allows: tuple[tuple[Statement, bool | None], ...]
    denies: tuple[Statement, ...]
    granted: dict[str, bool | None]
    """The `_KNOWN` actions allowed on all resources that they can act on; None: that hangs on a condition."""

    def everywhere(self, action: str) -> bool | None:
        """Whether one of the `_KNOWN` actions is allowed on all resources that it can act on."""
        return self.granted.get(action, False)

    def all_of(self, pattern: str) -> bool | None:
        """Whether a whole pattern (`s3:*`) is allowed on every resource and not denied as a whole."""
        if any(d.actions.covers_pattern(pattern) and _on_all(d, ("*",)) for d in self.denies):
            return False
        answer = Answer()
        for statement, narrowed in self.allows:
            if statement.actions.covers_pattern(pattern) and _on_all(statement, ("*",)):
                answer.put(None if narrowed is None else True)
        return answer.value


_SINGLE: Final = (
    "iam:passrole",
    "kms:decrypt",
    "kms:reencryptfrom",
    "s3:getobject",
    "secretsmanager:getsecretvalue",
    "sts:assumerole",
)
_KNOWN: Final = frozenset(
    (
        *_SINGLE,
        *_ADMIN_ACTIONS,
        *(action for actions in methods.ESCALATION.values() for action in actions),
        *(action.lower() for action in methods.DISABLE_LOGGING + methods.MAKE_PUBLIC),
    )
)


@lru_cache(maxsize=16384)
def _known_in(pattern: str) -> frozenset[str]:
    # Most patterns are plain names, which need no comparison with each of the others.
    if not has_wildcard(pattern):
        return _KNOWN & {pattern}
    return frozenset(action for action in _KNOWN if covers(pattern, action))


def _known(actions: Globs) -> frozenset[str]:
    """The `_KNOWN` actions that a statement's actions take in."""
    found = frozenset[str]().union(*map(_known_in, actions.patterns))
    return _KNOWN - found if actions.negated else found


def _anywhere(statement: Statement, owner: str) -> frozenset[str]:
    """Of its known actions those whose every resource the statement names."""
    known = _known(statement.actions)
    if not statement.resources.negated and "*" in statement.resources.patterns:
        return known
    return frozenset(a for a in known if _on_all(statement, (methods.all_resources(a, owner),)))


def _on_all(statement: Statement, wanted: tuple[str, ...]) -> bool:
    resources = statement.resources
    if resources.negated:
        return not resources.patterns
    return any(_covers_all(pattern, want) for pattern in resources.patterns for want in wanted)


@lru_cache(maxsize=16384)
def _covers_all(pattern: str, want: str) -> bool:
    plain = _PARTITION.sub("arn:aws:", pattern, count=1)
    return covers(plain.replace("arn:*:", "arn:aws:", 1), want)


def _reach(document: Document, owner: str) -> _Reach:
    judged = [(s, _narrows(s.conditions, owner)) for s in document.allows]
    allows = tuple((s, narrowed) for s, narrowed in judged if narrowed is not True)
    denies = tuple(s for s in document.denies if not s.conditions)
    granted: dict[str, bool | None] = {}
    for statement, narrowed in allows:
        for action in _anywhere(statement, owner):
            if narrowed is not None or action not in granted:
                granted[action] = None if narrowed is None else True
    for deny in denies:
        for action in _anywhere(deny, owner) if granted else ():
            granted.pop(action, None)
    return _Reach(owner, allows, denies, granted)


def identity_facts(document: Document, owner: str) -> dict[str, Any]:
    """The fields of `FACTS["identity"]`."""
    reach = _reach(document, owner)
    allows = document.allows
    escalation, disabling, opening = Names(), Names(), Names()
    if reach.granted:
        for method, actions in methods.ESCALATION.items():
            if all(action in reach.granted for action in actions):
                escalation.put((method,), all(reach.granted[action] for action in actions) or None)
        for names, known in ((disabling, methods.DISABLE_LOGGING), (opening, methods.MAKE_PUBLIC)):
            for action in known:
                names.put((action,), reach.everywhere(action.lower()))
    return {
        "statements": len(document.statements),
        "has_deny": bool(document.denies),
        "undecided": _undecided(reach),
        "is_admin": _is_admin(reach),
        "allow_not_action": any(s.actions.negated for s in allows),
        "allow_not_resource": any(s.resources.negated for s in allows),
        "full_service_access": _full_services(reach),
        "wildcard_actions_on_all": _wildcards(reach),
        "escalation": escalation.value(),
        "pass_role_any": reach.everywhere("iam:passrole"),
        "assume_role_any": reach.everywhere("sts:assumerole"),
        "decrypt_any_key": _or(reach.everywhere("kms:decrypt"), reach.everywhere("kms:reencryptfrom")),
        "secrets_any": reach.everywhere("secretsmanager:getsecretvalue"),
        "full_cloudtrail": reach.all_of("cloudtrail:*"),
        "full_kms": reach.all_of("kms:*"),
        "full_iam": reach.all_of("iam:*"),
        "cloudshell_full": reach.all_of("cloudshell:*"),
        "s3_read_any": reach.everywhere("s3:getobject"),
        "can_disable_logging": disabling.value(),
        "can_make_public": opening.value(),
        "requires_mfa": _requires_mfa(document, owner),
    }


def _or(*values: bool | None) -> bool | None:
    return True if True in values else None if None in values else False


def _undecided(reach: _Reach) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                condition.key
                for statement, narrowed in reach.allows
                if narrowed is None
                for condition in statement.conditions
                if _one_narrows(condition, reach.owner) is None
            }
        )
    )


def _is_admin(reach: _Reach) -> bool | None:
    answer = Answer()
    for statement, narrowed in reach.allows:
        if _on_all(statement, ("*",)) and (statement.actions.negated or "*" in statement.actions.patterns):
            # Deny statements and NotAction are read here: IAM itself must stay open.
            kept = statement.actions.covers(Globs(_ADMIN_ACTIONS)) and all(
                reach.everywhere(action) is not False for action in _ADMIN_ACTIONS
            )
            answer.put(kept and (None if narrowed is None else True))
    return answer.value


def _full_services(reach: _Reach) -> tuple[str | None, ...] | None:
    names = Names()
    for statement, _ in reach.allows:
        if statement.actions.negated or not _on_all(statement, ("*",)):
            continue
        for pattern in statement.actions.patterns:
            service = pattern.partition(":")[0]
            if pattern == "*":
                names.put(("*",), _starred(reach))
            elif pattern.endswith(":*") and not has_wildcard(service):
                names.put((service,), reach.all_of(pattern))
    return names.value()


def _starred(reach: _Reach) -> bool | None:
    """Whether some `*` on `*` stands that is not denied as a whole."""
    if any(d.actions.covers_pattern("*") and _on_all(d, ("*",)) for d in reach.denies):
        return False
    return _or(
        *(
            None if narrowed is None else True
            for s, narrowed in reach.allows
            if "*" in s.actions.patterns and not s.actions.negated and _on_all(s, ("*",))
        )
    )


def _wildcards(reach: _Reach) -> tuple[str | None, ...] | None:
    names = Names()
    for statement, narrowed in reach.allows:
        if statement.actions.negated or not _on_all(statement, ("*",)):
            continue
        for written, pattern in zip(statement.written_actions, statement.actions.patterns, strict=True):
            denied = any(d.actions.covers_pattern(pattern) and _on_all(d, ("*",)) for d in reach.denies)
            if has_wildcard(pattern) and not denied:
                names.put((written,), None if narrowed is None else True)
    return names.value()


def _requires_mfa(document: Document, owner: str) -> bool:
    if not document.allows:
        return False
    guards = [
        s
        for s in document.denies
        if s.conditions and _on_all(s, ("*",)) and limit_of_escape(s.conditions, owner).mfa
    ]
    return all(
        limit_of(s.conditions, owner).mfa
        or _SELF_SERVICE.covers(s.actions)
        or any(_leaves_self_service(g.actions, s.actions) for g in guards)
        for s in document.allows
    )


def _leaves_self_service(denied: Globs, allowed: Globs) -> bool:
    """Whether a Deny takes all allowed actions but those of self-service (by NotAction)."""
    if denied.covers(allowed):
        return True
    return denied.negated and _SELF_SERVICE.covers(Globs(denied.patterns))
