"""Policies of two files side by side: which are new, and what each allows beyond its former self.

What only a deployment knows is a policy variable, the same for the same expression, so that `compare` decides
for every value that it may take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from partywall.analysis.iam.compare import (
    Comparison,
    Outcome,
    access_not_granted,
    no_new_access,
    no_public_access,
)
from partywall.analysis.iam.lint.codes import PolicyType
from partywall.analysis.iam.lint.positions import Node
from partywall.analysis.iam.lint.sources import Found, policies, variable
from partywall.errors import UserError

_UNKNOWN: Final = re.compile(r"\$\{partywall/([0-9a-f]{16})\}")
_LATER: Final = "an action is known only when it is deployed"
_NOTHING: Final[dict[str, Any]] = {"Version": "2012-10-17", "Statement": []}
_ORGANIZATION: Final = (PolicyType.SCP, PolicyType.RCP)
_WITHOUT_PRINCIPAL: Final = (PolicyType.IDENTITY, PolicyType.SCP)


@dataclass(frozen=True, slots=True)
class Judged:
    """A policy of a file (name "" where the file is just that) and what was found of it."""

    name: str
    line: int
    result: Comparison


@dataclass(frozen=True, slots=True)
class _Policy:
    name: str
    type: PolicyType
    line: int
    document: dict[str, Any] | None
    fault: str = ""


def new_access(old: str, new: str, type_: PolicyType | None = None) -> list[Judged]:
    """Of each policy in a file's text, whether it allows what the one of that name in the other does not.

    A policy that the old file does not have allows all that it says. An SCP or RCP is compared as it is: more
    of it allowed means less withheld.
    """
    before = dict(_keyed(old, type_))
    return [_compared(before.get(key), policy) for key, policy in _keyed(new, type_)]


def not_granted(text: str, actions: list[str], resources: list[str]) -> list[Judged]:
    """Of each policy in a file's text, whether it allows one of the actions on one of the resources."""
    found: list[Judged] = []
    for _, policy in _keyed(text, None):
        if policy.type in _ORGANIZATION:
            continue
        result = (
            access_not_granted(policy.document, actions, resources)
            if policy.document is not None
            else Comparison(Outcome.UNDECIDED, reason=policy.fault)
        )
        if policy.document is not None and _unknown_actions(policy.document):
            result = Comparison(Outcome.UNDECIDED, reason=_LATER)
        found.append(Judged(policy.name, policy.line, result))
    return found


def not_public(
    text: str, account: str, *, alone: bool = True
) -> list[tuple[str, int, bool | None, list[str]]]:
    """(name, line, public or None, statements) of each resource or trust policy in a file's text.

    A file that is one policy without principals is none of a resource: it is left out, or where it was given
    `alone` UserError is raised.
    """
    found: list[tuple[str, int, bool | None, list[str]]] = []
    for _, policy in _keyed(text, None):
        # A file that is one policy was given to be asked about, whatever it looks like.
        if policy.name and policy.type not in (PolicyType.RESOURCE, PolicyType.TRUST):
            continue
        if policy.document is None:
            found.append((policy.name, policy.line, None, []))
            continue
        if not policy.name and not _names_principals(policy.document):
            if not alone:
                continue
            raise UserError("the policy names no principals: give a resource-based policy")
        public, statements = no_public_access(json.dumps(_placed(policy.document)), account)
        found.append((policy.name, policy.line, public, statements))
    return found


def _names_principals(document: dict[str, Any]) -> bool:
    text = json.dumps(document)
    return '"Principal"' in text or '"NotPrincipal"' in text or '"Effect"' not in text


def _placed(document: dict[str, Any]) -> dict[str, Any]:
    """A document with one name of its own in the place of each expression in its resources."""
    raw: Any = document.get("Statement")
    listed: list[Any] = raw if isinstance(raw, list) else [raw]
    made = [
        {k: _fixed(v) if k in ("Resource", "NotResource") else v for k, v in s.items()}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if isinstance(s, dict)
        else s
        for s in listed
    ]
    return {**document, "Statement": made} if raw is not None else document


def _keyed(text: str, type_: PolicyType | None) -> Iterator[tuple[tuple[str, str, int], _Policy]]:
    """The policies by name, type and, of several such, number."""
    seen: dict[tuple[str, str], int] = {}
    for found in policies(text, type_):
        policy = _policy(found)
        key = (policy.name, "" if not policy.name else str(policy.type))
        seen[key] = seen.get(key, -1) + 1
        yield (*key, seen[key]), policy


def _policy(found: Found) -> _Policy:
    if found.root is None:
        offset = found.fault.offset if found.fault else 0
        fault = f"the policy is not JSON: {found.fault}"
        return _Policy(found.name, found.type, found.source.place(offset)[0], None, fault)
    line = found.source.place(found.root.start)[0]
    document = _plain(found.root, found.source.text)
    if not isinstance(document, dict):
        return _Policy(found.name, found.type, line, None, "the policy is known only when it is deployed")
    raw: Any = document.get("Statement")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    for statement in raw if isinstance(raw, list) else [raw]:  # pyright: ignore[reportUnknownVariableType]
        for key in ("Principal", "NotPrincipal"):
            if isinstance(statement, dict) and key in statement:
                statement[key] = _stand_in(statement[key])
    return _Policy(found.name, found.type, line, document)


def _stand_in(principal: Any) -> Any:
    """A Principal with one account or role of its own for each that only a deployment knows."""
    if isinstance(principal, dict):
        return {k: _stand_in(v) for k, v in principal.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(principal, list):
        return [_stand_in(v) for v in principal]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(principal, str) or "${partywall/" not in principal:
        return principal
    made = _UNKNOWN.sub(lambda m: str(int(m.group(1), 16))[:12].rjust(12, "1"), principal)
    return f"arn:aws:iam::{made}:role/unknown" if _UNKNOWN.fullmatch(principal) else made


def _plain(node: Node, text: str) -> Any:
    """The value; of unknown text its template."""
    if node.kind == "unknown":
        return node.template or variable(text[node.start : node.end])
    if node.kind == "object":
        return {name.text: _plain(value, text) for name, value in node.members}
    if node.kind == "array":
        return [_plain(item, text) for item in node.items]
    return node.value


def _compared(old: _Policy | None, new: _Policy) -> Judged:
    for policy in (old, new):
        if policy is not None and policy.document is None:
            return Judged(new.name, new.line, Comparison(Outcome.UNDECIDED, reason=policy.fault))
    before = old.document if old is not None and old.document is not None else _NOTHING
    after = new.document or _NOTHING
    principals = new.type not in _WITHOUT_PRINCIPAL if new.name else None
    if _unknown_actions(before) != _unknown_actions(after):
        return Judged(new.name, new.line, Comparison(Outcome.UNDECIDED, reason=_LATER))
    if _statements(before, "Deny", among=_statements(after, "Deny")) and _UNKNOWN.search(
        str([before, after])
    ):
        # Nothing less is denied, so that only what is allowed counts, and each expression may stand for
        # itself: what one pattern takes in of another with it, it takes in whatever its value.
        before, after = (_fixed(d) for d in (before, after))
    result = no_new_access(before, after, principals=principals)
    return Judged(new.name, new.line, result)


def _statements(document: dict[str, Any], effect: str, among: Any = None) -> Any:
    """The statements of an effect as texts; with `among`, whether all of them are there."""
    raw: Any = document.get("Statement")
    listed: list[Any] = raw if isinstance(raw, list) else [raw]
    found = {
        json.dumps({k: v for k, v in s.items() if k != "Sid"}, sort_keys=True, default=str)
        for s in listed
        if isinstance(s, dict) and s.get("Effect") == effect  # pyright: ignore[reportUnknownMemberType]
    }
    return found if among is None else found <= among


def _fixed(value: Any) -> Any:
    """A document with one text of its own in the place of each expression."""
    if isinstance(value, dict):
        return {k: _fixed(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_fixed(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, str):
        return value
    whole = _UNKNOWN.fullmatch(value)
    return f"arn:aws:partywall:::{whole.group(1)}" if whole else _UNKNOWN.sub(r"partywall\1", value)


def _unknown_actions(document: dict[str, Any]) -> set[str]:
    """The statements of which Effect, Action or NotAction is known only to the deployment."""
    raw: Any = document.get("Statement")
    listed: list[Any] = raw if isinstance(raw, list) else [raw]
    return {
        json.dumps(s, sort_keys=True, default=str)
        for s in listed
        if isinstance(s, dict)
        and any("${partywall/" in str(s.get(k)) for k in ("Effect", "Action", "NotAction"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    }
