"""Whom one document with principals lets in, by the engine: the facts of resource, key and trust policies.

The document alone is asked, of a resource of the account that it stands in: what Block Public Access,
resource control policies and the organization add, the table `iam_resource_access` tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from partywall.analysis.access_levels import SENSITIVE
from partywall.analysis.globs import has_wildcard
from partywall.analysis.iam.access import PUBLIC, Access, Reach, Target, assess
from partywall.analysis.iam.access_actions import spelled
from partywall.analysis.iam.access_callers import Zone
from partywall.analysis.iam.access_keys import Outsider, account_of
from partywall.analysis.iam.access_kinds import HOLDERS
from partywall.analysis.iam.document import Policy, Statement
from partywall.analysis.iam.evaluate import Tri, both, either
from partywall.analysis.iam.lint import reference
from partywall.analysis.iam.patterns import glob
from partywall.analysis.iam.rules import PolicySet
from partywall.analysis.iam.sources import tells_source
from partywall.analysis.names import Names
from partywall.analysis.principals import UNIQUE_ID, WEB_PROVIDERS
from partywall.analysis.transport_facts import denies_insecure_transport

_ASSUME: Final = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
_DECRYPT: Final = frozenset(("kms:decrypt", "kms:reencryptfrom", "kms:creategrant"))
_ADMINISTER: Final = frozenset(("kms:putkeypolicy", "kms:schedulekeydeletion"))
_PARTITION: Final = re.compile(r"arn:(aws[a-z-]*):")
# Which organization the owner is in, the document does not tell: one that nobody names.
_ORGANIZATION: Final = "o-partywallowner"
_SENSITIVE: Final = frozenset(f"{service}:{n}".lower() for service, names in SENSITIVE.items() for n in names)
_SERVICES: Final = frozenset(s for h in HOLDERS for s in h.service.split()) - {"sts"}


class _Admission:
    """What the engine finds of one document, told as the facts tell it."""

    def __init__(self, policy: Policy, owner: str, service: str, actions: tuple[str, ...], arn: str) -> None:
        self.policy, self.owner = policy, owner
        target = Target(
            arn=arn,
            account=owner,
            service=service,
            policies=PolicySet([policy]),
            parts=("*", "arn:aws:s3:::*/*") if "s3" in service.split() else ("*",),
            signed_only=service in ("sts", "kms"),
            actions=actions,
            organization=_ORGANIZATION,
        )
        made = assess(target, Zone(owner, _ORGANIZATION, members=frozenset()))
        self.public = [made[kind] for kind in PUBLIC]
        self.foreign, self.service = made[Outsider.FOREIGN], made[Outsider.SERVICE]
        self.federated = made[Outsider.FEDERATED]
        self.everyone = {
            label for access in self.public for reach in access.reaches.values() for label in reach.statements
        }

    def is_public(self) -> Tri:
        """Everyone, or whoever signs up with a provider that is open to all."""
        found = either(*(access.access for access in self.public))
        for reach in self._web():
            found = either(found, reach.unbound)
        return found

    def _web(self) -> Iterator[Reach]:
        return (reach for name, reach in self.federated.reaches.items() if name in WEB_PROVIDERS)

    def public_statements(self) -> Names:
        names = Names()
        for access in self.public:
            names.put(map(_label, access.statements.values()) if access.access else (), access.access)
        for reach in self._web():
            names.put(map(_label, reach.statements.values()), reach.unbound)
        return names

    def in_group(self, *groups: str) -> Tri:
        """Whether everyone gets some action of the groups of access levels."""
        found: Tri = False
        for access in self.public:
            for group in groups:
                found = either(found, both(access.access, access.groups[group]))
        return found

    def public_actions(self) -> Names:
        """As the document writes them."""
        names = Names()
        for access in self.public:
            for reach in access.reaches.values():
                for each in reach.statements.values():
                    names.put(_written(each, reach.sure), True)
                if not reach.sure:
                    names.doubt()
        return names

    def named(self, access: Access) -> Iterator[tuple[str, Reach]]:
        """Those let in by more than what lets everyone in."""
        for name, reach in access.reaches.items():
            if name != "*" and reach.statements.keys() - self.everyone:
                yield name, reach

    def accounts(self, of: Callable[[Reach], Tri]) -> Names:
        """Other accounts of which something holds; a doubt where that is not told of all outsiders."""
        names = Names()
        for name, reach in self.named(self.foreign):
            account = name.partition(" by ")[0]
            if account.isdigit():
                names.put((account,), of(reach))
            elif name.startswith("canonical user") and of(reach) is None:
                names.doubt()
        for name, reach in self.federated.reaches.items():
            if (account := account_of(name)) and account != self.owner:
                names.put((account,), of(reach))
        if self._open(of):
            names.doubt()
        return names

    def _open(self, of: Callable[[Reach], Tri]) -> bool:
        """Whether more accounts than those named may be among the outsiders."""
        if self.is_public():
            return False
        return any(
            of(r) is None for a in (*self.public, self.foreign) for n, r in a.reaches.items() if n == "*"
        )

    def organizations(self) -> Names:
        names = Names()
        for name, reach in self.named(self.foreign):
            if name.startswith("o-"):
                names.put((name.partition(" by ")[0],), reach.access)
        return names

    def services(self, of: Callable[[Reach], Tri]) -> Names:
        """Service principals; `*` where any is let in, though not everyone."""
        names = Names()
        for name, reach in self.service.reaches.items():
            anyone = name == "*" and not reach.statements.keys() - self.everyone
            if name.startswith("arn:") or name.isdigit() or anyone:
                continue
            names.put((name,), of(reach))
        return names

    def facts(self) -> dict[str, Any]:
        """The fields that resource, key and trust policies share."""
        federated = Names()
        for name, reach in self.federated.reaches.items():
            federated.put((name,), reach.access)
        allows = [s for s in self.policy.statements if s.allow and s.principal is not None]
        named = {text for s in allows if s.principal for kind, text in s.principal.named if kind == "AWS"}
        return {
            "undecided": self._undecided(),
            "is_public": self.is_public(),
            "public_statements": self.public_statements().value(),
            "foreign_accounts": self.accounts(_access).value(),
            "organizations": self.organizations().value(),
            "services": self.services(_access).value(),
            "federated": federated.value(),
            "deleted_principals": tuple(sorted(text for text in named if UNIQUE_ID.fullmatch(text))),
        }

    def _undecided(self) -> tuple[str, ...]:
        found: set[str] = set()
        for access in (*self.public, self.foreign, self.service, self.federated):
            if access.access is None or (access.unbound is None and access not in self.public):
                found |= access.undecided or {key for key in self._keys() if reference.key_type(key) is None}
        return tuple(sorted(found))

    def _keys(self) -> set[str]:
        return {c.lower_key for s in self.policy.statements for c in s.conditions}


def _access(reach: Reach) -> Tri:
    return reach.access


def _unbound(reach: Reach) -> Tri:
    return reach.unbound


def _can(actions: Iterable[str]) -> Callable[[Reach], Tri]:
    wanted = frozenset(actions)
    return lambda reach: True if reach.sure & wanted else None if reach.actions & wanted else False


def _label(statement: Statement) -> str:
    return statement.sid or f"#{statement.index + 1}"


def _written(statement: Statement, actions: set[str]) -> list[str]:
    """Those of a statement's actions, as it writes them, that take in some of `actions`."""
    if statement.not_action:
        return ["NotAction: " + ", ".join(statement.written)] if actions else []
    pairs = zip(statement.actions, statement.written, strict=True)
    return [written for pattern, written in pairs if any(map(glob(pattern), actions))]


def resource_facts(policy: Policy, owner: str) -> dict[str, Any]:
    """The fields of `FACTS["resource"]`."""
    return _resource_facts(_Admission(policy, owner, *_universe(policy), _arn(policy, owner, "")), owner)


def _resource_facts(found: _Admission, owner: str) -> dict[str, Any]:
    del owner
    changing = _can(a for r in _reaches(found) for a in r.actions if _changes(a))
    sensitive = Names()
    for reach in _reaches(found):
        sensitive.add(spelled(reach.sure & _SENSITIVE))
        if (reach.actions - reach.sure) & _SENSITIVE:
            sensitive.doubt()
    return {
        **found.facts(),
        "public_without_auth": found.public[0].access,
        "public_actions": found.public_actions().value(),
        "public_write": found.in_group("write", "permissions"),
        "public_read": found.in_group("read"),
        "foreign_write_accounts": found.accounts(changing).value(),
        "foreign_sensitive_actions": sensitive.value(),
        "services_without_source": found.services(_unbound).value(),
        "denies_insecure_transport": denies_insecure_transport(found.policy),
    }


def _reaches(found: _Admission) -> Iterator[Reach]:
    """What everyone and other accounts can do."""
    for access in (*found.public, found.foreign):
        yield from access.reaches.values()


def _changes(action: str) -> bool:
    from partywall.analysis.access_levels import CHANGES, levels

    return bool(levels(action) & CHANGES)


def key_facts(policy: Policy, owner: str) -> dict[str, Any]:
    """The fields of `FACTS["key"]`."""
    found = _Admission(policy, owner, "kms", (), _arn(policy, owner, "kms"))
    return {
        **_resource_facts(found, owner),
        "foreign_decrypt": found.accounts(_can(_DECRYPT)).value(),
        "foreign_administrators": found.accounts(_can(_ADMINISTER)).value(),
        "can_lock_out": _can_lock_out(policy, owner),
    }


def _can_lock_out(policy: Policy, owner: str) -> Tri:
    """Whether the owner's root user is not allowed kms:PutKeyPolicy by the document."""
    from partywall.analysis.iam.context import Context
    from partywall.analysis.iam.evaluate import Outcome, Policies, decide
    from partywall.analysis.iam.principal import principal
    from partywall.analysis.iam.request import Request, Resource

    arn = _arn(policy, owner, "kms")
    root = principal(f"arn:{arn.split(':')[1]}:iam::{owner or '000000000000'}:root")
    request = Request(root, "kms:PutKeyPolicy", Resource(arn, owner or "000000000000"), Context())
    outcome = decide(request, Policies(resource=PolicySet([policy]))).outcome
    return None if outcome is Outcome.DEPENDS else outcome is not Outcome.ALLOWED


def trust_facts(policy: Policy, owner: str) -> dict[str, Any]:
    """The fields of `FACTS["trust"]`."""
    found = _Admission(policy, owner, "sts", _ASSUME, _arn(policy, owner, "iam"))
    roots, without_source, unpinned = Names(), Names(), Names()
    for name, reach in found.named(found.foreign):
        if any(_is_root(text, name) for s in reach.statements.values() for text in _named(s)):
            roots.put((name,), reach.access)
    for name, reach in found.service.reaches.items():
        if tells_source(name, role=True) and reach.unbound is not False:
            without_source.put((name,), reach.unbound)
    for name, reach in found.federated.reaches.items():
        if ":saml-provider/" not in name:
            unpinned.put((name,), reach.unbound)
    return {
        **found.facts(),
        "foreign_roots": roots.value(),
        "foreign_accounts_without_external_id": found.accounts(_unbound_assume).value(),
        "services_without_source": without_source.value(),
        "oidc_unpinned": unpinned.value(),
    }


def _unbound_assume(reach: Reach) -> Tri:
    return both(reach.unbound, _can(("sts:assumerole",))(reach))


def _named(statement: Statement) -> list[str]:
    return [text for _, text in statement.principal.named] if statement.principal else []


def _is_root(text: str, account: str) -> bool:
    return text == account or (text.endswith(":root") and account_of(text) == account)


@lru_cache(maxsize=1024)
def _known(service: str) -> bool:
    return service in reference.services()


def _universe(policy: Policy) -> tuple[str, tuple[str, ...]]:
    """The services whose actions a resource policy can grant."""
    named = {a.partition(":")[0] for s in policy.statements for a in s.actions if ":" in a}
    named |= {
        fields[2]
        for s in policy.statements
        for r in s.resources or ()
        if len(fields := r.split(":", 5)) == 6 and fields[2]
    }
    wide = any(s.not_action or any(":" not in a for a in s.actions) for s in policy.statements if s.allow)
    found = {s for s in named if _known(s) and not has_wildcard(s)}
    if (wide and not found) or any(has_wildcard(s) for s in named):
        found |= _SERVICES
    return " ".join(sorted(found)), ()


def _arn(policy: Policy, owner: str, service: str) -> str:
    """Some resource of the owner, in the partition that the document speaks of."""
    texts = (t for s in policy.statements for t in (*_named(s), *(s.resources or ())))
    partition = next((m.group(1) for t in texts if (m := _PARTITION.match(t))), "aws")
    kinds = {"iam": f"iam::{owner}:role/partywall", "kms": f"kms:us-east-1:{owner}:key/partywall"}
    return f"arn:{partition}:{kinds.get(service, f's3:::partywall-{owner}')}"
