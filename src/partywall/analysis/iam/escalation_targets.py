"""The named things of a world, and whom a principal gains by reaching them, as bitsets over principals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from partywall.analysis.iam.context import Context
from partywall.analysis.iam.escalation_steps import Step
from partywall.analysis.iam.escalation_world import Actor, EscalationWorld
from partywall.analysis.iam.evaluate import Policies, Request, Resource, decide
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.principal import Kind, Principal
from partywall.analysis.iam.universe import arns, pack, positions

Tri = bool | None
_ADDED: Final = ("policy", "old-policy", "group")


class Targets:
    """The principals of a world in order of their ARNs (bit n is the n-th), and what they come with."""

    def __init__(self, world: EscalationWorld, masker: Masker) -> None:
        unique = {a.principal.arn: a for a in world.actors}
        self.actors: list[Actor] = [unique[arn] for arn in sorted(unique)]
        self.size = len(self.actors)
        self.all = (1 << self.size) - 1
        self.place = {a.principal.arn: n for n, a in enumerate(self.actors)}
        self.known = unique
        self._holdings = list(world.holdings)
        providers = self._providers()
        self.things = arns(
            [
                *self.place,
                *(g.arn for g in world.groups),
                *{arn for a in self.actors for arn in (*a.managed, *a.groups)},
                *(h.arn for h in self._holdings),
                *providers,
            ]
        )
        self._of_thing = {self.things.index[t]: n for t, n in self.place.items()}
        self._principals = pack(self._of_thing, len(self.things))
        self._first = self._run()
        self.accounts = {str(k): v for k, v in self._packed(lambda a: a.principal.account).items()}
        kinds = self._packed(lambda a: a.principal.kind)
        self.users, self.roles = kinds.get(Kind.USER, 0), kinds.get(Kind.ROLE, 0)
        passwords = self._packed(lambda a: a.password)
        self._with, self._without = passwords.get(True, 0), passwords.get(False, 0)
        self._tables = self._index(world, providers, masker)
        self.groups = pack((self.things.index[g.arn] for g in world.groups), len(self.things))
        self._masks = {kind: pack(table, len(self.things)) for kind, table in self._tables.items()}
        self._gathers: dict[tuple[str, int], int] = {}
        self._of_account: dict[str, int] = {}
        self._services: dict[str, tuple[int, int]] = {}
        self._trusting = self._named_services()

    def _packed(self, read: Callable[[Actor], object]) -> dict[object, int]:
        lists: dict[object, list[int]] = {}
        for n, actor in enumerate(self.actors):
            lists.setdefault(read(actor), []).append(n)
        return {key: pack(places, self.size) for key, places in lists.items()}

    def _run(self) -> int | None:
        """Where principals lie side by side among the things, the place of the first of them."""
        if not self._principals:
            return 0
        low = (self._principals & -self._principals).bit_length() - 1
        return low if self._principals >> low == self.all else None

    def _providers(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for n, actor in enumerate(self.actors):
            for policy in actor.trust.policies if actor.trust is not None else ():
                for statement in policy.statements:
                    for kind, text in statement.principal.named if statement.principal else ():
                        if kind == "Federated" and ":saml-provider/" in text and statement.allow:
                            found[text] = found.get(text, 0) | 1 << n
        return found

    def _index(
        self, world: EscalationWorld, providers: Mapping[str, int], masker: Masker
    ) -> dict[str, dict[int, int]]:
        """Kind of thing -> its place -> the principals that come with it."""
        index = self.things.index
        lists: dict[str, dict[int, list[int]]] = {"policy": {}, "group": {}}
        for n, actor in enumerate(self.actors):
            for kind, listed in (("policy", actor.managed), ("group", actor.groups)):
                for arn in listed:
                    lists[kind].setdefault(index[arn], []).append(n)
        for group in world.groups:
            lists["group"].setdefault(index[group.arn], [])
        for holding in self._holdings:
            held = lists.setdefault(f"holding:{holding.kind}", {}).setdefault(index[holding.arn], [])
            if holding.role in self.place:
                held.append(self.place[holding.role])
        made = {
            kind: {at: pack(places, self.size) for at, places in table.items()}
            for kind, table in lists.items()
        }
        wide = {
            index[arn]
            for arn, versions in world.versions.items()
            if arn in index
            and (
                versions is None or any(masker.policy(v).allow_must == masker.universe.all for v in versions)
            )
        }
        made["old-policy"] = {at: who for at, who in made["policy"].items() if at in wide}
        self._unread_versions = {
            index[arn] for arn, versions in world.versions.items() if versions is None and arn in index
        }
        made["provider"] = {index[arn]: roles for arn, roles in providers.items()}
        return made

    def principals(self, things: int) -> int:
        """The principals among things, as bits of principals."""
        if self._first is not None:
            return (things & self._principals) >> self._first
        return pack((self._of_thing[at] for at in positions(things & self._principals)), self.size)

    def own_things(self, account: str) -> int:
        """The things of an account: of another's, one's own policies alone never suffice."""
        if not self._of_account:
            lists: dict[str, list[int]] = {}
            for at, arn in enumerate(self.things.texts):
                lists.setdefault(arn.split(":", 5)[4] if arn.count(":") > 4 else "", []).append(at)
            self._of_account = {key: pack(places, len(self.things)) for key, places in lists.items()}
        return self._of_account.get(account, 0) | self._of_account.get("", 0)

    # Steps.

    def most(self, step: Step, account: str) -> tuple[int, int]:
        """Whom a step could reach from an account, before its actions are looked at: certainly, at most.

        Of `group` steps the groups among the things.
        """
        own = self.accounts.get(account, 0)
        match step.reach:
            case "user":
                return own & self.users, own & self.users
            case "user-with-password":
                return own & self.users & self._with, own & self.users & ~self._without
            case "user-without-password":
                return own & self.users & self._without, own & self.users & ~self._with
            case "role":
                return own & self.roles, own & self.roles
            case "service-role":
                yes, may = self.service(step.service)
                return own & yes, own & may
            case "assumable-role":
                return self.roles, self.roles
            case "group" if step.yields == "group":
                return self.groups, self.groups
            case "new":
                return 1, 1
            case _:
                return own, own

    def gained(self, step: Step, on: str, yes: int, may: int) -> tuple[int, int]:
        """The targets of a step for which an action that is allowed on things reaches what it must."""
        if on == "holding":
            kind = f"holding:{step.holding}"
            if step.reach != "holding-role":
                # The thing is only the means: any one of them will do, whatever the target.
                mine = self._masks.get(kind, 0)
                return self.all if yes & mine else 0, self.all if may & mine else 0
            return self._gather(kind, yes), self._gather(kind, may)
        if on == "provider":
            return self._gather("provider", yes), self._gather("provider", may)
        if step.yields == "group":
            return yes & self.groups, may & self.groups
        if step.reach in _ADDED:
            if step.reach == "old-policy":
                yes &= ~pack(self._unread_versions, len(self.things))
            return self._gather(step.reach, yes), self._gather(step.reach, may)
        return self.principals(yes), self.principals(may)

    def _gather(self, kind: str, things: int) -> int:
        things &= self._masks.get(kind, 0)
        if not things:
            return 0
        found = self._gathers.get((kind, things))
        if found is None:
            table = self._tables[kind]
            found = 0
            for at in positions(things):
                found |= table[at]
            self._gathers[(kind, things)] = found
        return found

    # Services.

    def _named_services(self) -> dict[str, list[int]]:
        """Service -> the roles whose trust may take it in; "": those to be asked for every service."""
        found: dict[str, list[int]] = {"": []}
        for n in positions(self.roles):
            trust = self.actors[n].trust
            names: set[str] = {""} if trust is None else set()
            for policy in trust.policies if trust is not None else ():
                for statement in policy.statements:
                    element = statement.principal
                    if not statement.allow or element is None:
                        continue
                    if element.everyone or statement.not_principal:
                        names.add("")
                    names.update(text for kind, text in element.named if kind == "Service")
            for name in names:
                found.setdefault(name, []).append(n)
        return found

    def service(self, service: str) -> tuple[int, int]:
        """The roles that a service may assume, certainly and at most."""
        found = self._services.get(service)
        if found is None:
            yes: list[int] = []
            may: list[int] = []
            for n in {*self._trusting.get(service, ()), *self._trusting[""]}:
                held = _assumed_by(service, self.actors[n])
                if held:
                    yes.append(n)
                if held is not False:
                    may.append(n)
            found = self._services[service] = (pack(yes, self.size), pack(may, self.size))
        return found


def _assumed_by(service: str, role: Actor) -> Tri:
    """Whether a role's trust lets a service of its own account's doing assume it."""
    if role.trust is None:
        return None
    who = role.principal
    request = Request(
        Principal(Kind.SERVICE, service),
        "sts:AssumeRole",
        Resource(who.arn, who.account, who.tags),
        Context({"aws:SourceAccount": who.account}),
    )
    made = decide(request, Policies(resource=role.trust))
    return True if made.must else None if made.may else False
