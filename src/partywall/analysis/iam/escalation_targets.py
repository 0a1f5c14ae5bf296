"""Whom a principal reaches by one step, as bitsets over the principals (and over groups, for joining)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Statement
from partywall.analysis.iam.escalation_reach import Reach, Reacher, Setting, witness
from partywall.analysis.iam.escalation_steps import Step
from partywall.analysis.iam.escalation_world import Actor, EscalationWorld
from partywall.analysis.iam.evaluate import Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.principal import Kind, Principal
from partywall.analysis.iam.universe import arns, positions


@dataclass(frozen=True, slots=True)
class Row:
    """What a principal reaches by one step: bits of principals (of groups for `yields: group`; any bit at all
    for `yields: account`), certainly and at most."""

    step: Step
    yes: int
    may: int


class Targets:
    """Rows of a world. Principals take the first places in order of their ARNs; other things come after."""

    def __init__(self, world: EscalationWorld, masker: Masker, assume: Step | None) -> None:
        self.masker = masker
        self._assume = assume
        self._masks: dict[str, int] = {}
        self._gathers: dict[tuple[str, int, int], tuple[int, int]] = {}
        self._settled: dict[tuple[int, str, int], bool | None] = {}
        unique = {a.principal.arn: a for a in world.actors}
        self.actors: list[Actor] = [unique[arn] for arn in sorted(unique)]
        self.place = {a.principal.arn: n for n, a in enumerate(self.actors)}
        self._holdings = list(world.holdings)
        providers = self._providers()
        held_policies = {arn for a in self.actors for arn in a.managed}
        self.things = arns(
            [
                *self.place,
                *(g.arn for g in world.groups),
                *held_policies,
                *(h.arn for h in self._holdings),
                *providers,
            ]
        )
        self.reacher = Reacher(self.things)
        self._place_of = {at: self.place[t] for t, at in self.things.index.items() if t in self.place}
        self._thing_mask = self.things.bits(self.place)
        self._contiguous = self._run_of_principals()
        self._accounts: dict[str, int] = {}
        for n, actor in enumerate(self.actors):
            account = actor.principal.account
            self._accounts[account] = self._accounts.get(account, 0) | 1 << n
        self._by_thing = self._index(world, providers)
        self._kinds = {
            kind: sum(1 << n for n, a in enumerate(self.actors) if a.principal.kind is kind)
            for kind in (Kind.USER, Kind.ROLE)
        }
        self._passwords = {
            has: sum(1 << n for n, a in enumerate(self.actors) if a.password is has) for has in (True, False)
        }
        self._settings: dict[str, Setting] = {}
        self._service_roles: dict[str, Reach] = {}
        self._trust: dict[tuple[int, str], bool | None] = {}
        self.trusted_directly: dict[int, int] = {}
        self._by_account: dict[str, int] = {}
        self._plain: dict[str, int] = {}
        self._trusts()

    # Indexes.

    def _providers(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for n, actor in enumerate(self.actors):
            for policy in actor.trust.policies if actor.trust is not None else ():
                for statement in policy.statements:
                    for kind, text in statement.principal.named if statement.principal else ():
                        if kind == "Federated" and ":saml-provider/" in text and statement.allow:
                            found[text] = found.get(text, 0) | 1 << n
        return found

    def _index(self, world: EscalationWorld, providers: dict[str, int]) -> dict[str, dict[int, int]]:
        """Kind of thing -> its place -> the principals that come with it."""
        index = self.things.index
        tables: dict[str, dict[int, int]] = {"policy": {}, "old-policy": {}, "group": {}, "provider": {}}
        for n, actor in enumerate(self.actors):
            for arn in actor.managed:
                tables["policy"][index[arn]] = tables["policy"].get(index[arn], 0) | 1 << n
            for arn in actor.groups:
                if arn in index:
                    tables["group"][index[arn]] = tables["group"].get(index[arn], 0) | 1 << n
        for group in world.groups:
            tables["group"].setdefault(index[group.arn], 0)
        for arn, versions in world.versions.items():
            at = index.get(arn)
            if at in tables["policy"] and any(
                self.masker.policy(v).allow_must == self.masker.universe.all for v in versions
            ):
                tables["old-policy"][at] = tables["policy"][at]
        for arn, roles in providers.items():
            tables["provider"][index[arn]] = roles
        for holding in self._holdings:
            role = self.place.get(holding.role)
            table = tables.setdefault(f"holding:{holding.kind}", {})
            table[index[holding.arn]] = table.get(index[holding.arn], 0) | (0 if role is None else 1 << role)
        return tables

    def _run_of_principals(self) -> int | None:
        """Where principals lie side by side among the things, the place of the first of them."""
        if not self._thing_mask:
            return 0
        low = (self._thing_mask & -self._thing_mask).bit_length() - 1
        return low if self._thing_mask >> low == (1 << len(self.actors)) - 1 else None

    def principals(self, things: int) -> int:
        """The principals among things, as bits of principals."""
        if self._contiguous is not None:
            return (things & self._thing_mask) >> self._contiguous
        return sum(1 << self._place_of[at] for at in positions(things & self._thing_mask))

    def _trusts(self) -> None:
        """Which roles trust whole accounts, and which name principals of ours: what remains to be decided."""
        for n, actor in enumerate(self.actors):
            statements = [s for p in actor.trust.policies for s in p.statements] if actor.trust else []
            undenied = all(s.allow for s in statements)
            for statement in statements:
                if statement.allow and statement.action_matches("sts:assumerole"):
                    self._note_trust(n, statement, undenied)

    def _note_trust(self, n: int, statement: Statement, undenied: bool) -> None:
        element, bit = statement.principal, 1 << n
        if element is None:
            return
        if element.everyone or statement.not_principal:
            self._by_account["*"] = self._by_account.get("*", 0) | bit
            return
        for kind, text in element.named:
            if kind != "AWS":
                continue
            account = text if text.isdigit() else text.split(":")[4] if text.endswith(":root") else ""
            if account:
                self._by_account[account] = self._by_account.get(account, 0) | bit
                own = account == self.actors[n].principal.account
                if own and undenied and not statement.conditions and statement.resources is None:
                    self._plain[account] = self._plain.get(account, 0) | bit
            elif text in self.place:
                at = self.place[text]
                self.trusted_directly[at] = self.trusted_directly.get(at, 0) | bit

    # Rows.

    def personal(self, actor: Actor) -> bool:
        """Whether two members of an actor's class may differ in what they reach."""
        policies = actor.policies
        layers = [policies.identity, policies.boundary, *policies.scps]
        return any(self.reacher.personal(p) for layer in layers if layer is not None for p in layer.policies)

    def setting(self, step: Step) -> Setting:
        """The condition keys of a step, as its caller sets them."""
        found = self._settings.get(step.id)
        if found is None:
            values = dict(step.context)
            if step.service:
                values["iam:PassedToService"] = step.service
            found = Setting(Context(values, missing=step.absent), len(self._settings))
            if not values and not step.absent:
                found = Setting(Context(), -1)
            self._settings[step.id] = found
        return found

    def row(self, actor: Actor, step: Step, must: int) -> Row | None:
        """Whom an actor reaches by a step; None where nobody. `must`: the actor's certain actions."""
        if step.who == "user" and actor.principal.kind is not Kind.USER:
            return None
        setting = self.setting(step)
        yes = may = self._reached(step, actor)
        open_ = False
        if step.reach in ("service-role", "user-with-password", "user-without-password"):
            certain = self._certain(step)
            yes &= certain
        for action, on in step.needs.items():
            name = action.lower()
            if on in ("target", "holding", "provider"):
                reach = self.reacher.reach(actor, name, setting)
                some_yes, some_may = self._on(step, on, reach, actor)
                yes &= some_yes
                may &= some_may
            elif not self.masker.universe.has(must, name):
                found = witness(actor, name, on, setting.context)
                if found is False:
                    return None
                open_ = open_ or found is None
            if not may:
                return None
        if step.who == "self":
            may &= 1 << self.place[actor.principal.arn]
        return Row(step, 0 if open_ else yes & may, may) if may else None

    def _reached(self, step: Step, actor: Actor) -> int:
        """The principals (or groups) that a step could reach at most, before its actions are looked at."""
        own = self._accounts.get(actor.principal.account, 0)
        match step.reach:
            case "user":
                return own & self._kinds[Kind.USER]
            case "user-with-password":
                return own & self._kinds[Kind.USER] & ~self._passwords[False]
            case "user-without-password":
                return own & self._kinds[Kind.USER] & ~self._passwords[True]
            case "role":
                return own & self._kinds[Kind.ROLE]
            case "service-role":
                return own & self._service(step.service).may
            case "assumable-role":
                return self._by_account.get(actor.principal.account, 0) | self._by_account.get("*", 0)
            case "group" if step.yields == "group":
                return self.things.all
            case "new":
                return 1
            case _:
                return own

    def _certain(self, step: Step) -> int:
        if step.reach == "service-role":
            return self._service(step.service).yes
        return self._passwords[step.reach == "user-with-password"]

    def _on(self, step: Step, on: str, reach: Reach, actor: Actor) -> tuple[int, int]:
        """The targets for which an action reaches what it must."""
        if on == "holding":
            table = self._by_thing.get(f"holding:{step.holding}", {})
            if step.reach != "holding-role":
                # The thing is only the means: any one of them will do, whatever the target.
                everyone = (1 << len(self.actors)) - 1
                mine = self._bits(table)
                return everyone if reach.yes & mine else 0, everyone if reach.may & mine else 0
            return self._gathered(f"holding:{step.holding}", reach)
        if on == "provider":
            return self._gathered("provider", reach)
        if step.yields == "group":
            mine = self._bits(self._by_thing["group"])
            return reach.yes & mine, reach.may & mine
        if step.reach in ("policy", "old-policy", "group"):
            return self._gathered(step.reach, reach)
        if step.reach == "assumable-role":
            # A trust policy's conditions and denials are for `decide`, and RCPs too.
            plain = 0 if actor.policies.rcps else self._plain.get(actor.principal.account, 0)
            return self.principals(reach.yes) & plain, self.principals(reach.may)
        return self.principals(reach.yes), self.principals(reach.may)

    def _gathered(self, kind: str, reach: Reach) -> tuple[int, int]:
        table = self._by_thing.get(kind, {})
        mine = self._masks.get(kind)
        if mine is None:
            mine = self._masks[kind] = self._bits(table)
        yes, may = reach.yes & mine, reach.may & mine
        key = (kind, yes, may)
        found = self._gathers.get(key)
        if found is None:
            found = self._gathers[key] = (_gather(table, yes), _gather(table, may))
        return found

    @staticmethod
    def _bits(table: Iterable[int]) -> int:
        made = 0
        for at in table:
            made |= 1 << at
        return made

    def _service(self, service: str) -> Reach:
        """The roles that a service may assume, certainly and at most."""
        found = self._service_roles.get(service)
        if found is None:
            yes = may = 0
            for n, actor in enumerate(self.actors):
                if actor.principal.kind is not Kind.ROLE:
                    continue
                if actor.trust is None:
                    may |= 1 << n
                    continue
                account = actor.principal.account
                key = (id(actor.trust), f"{service} {account}")
                if key not in self._trust:
                    self._trust[key] = _assumed_by(service, account, actor, actor.trust)
                held = self._trust[key]
                yes |= (held is True) << n
                may |= (held is not False) << n
            found = self._service_roles[service] = Reach(yes, may)
        return found

    def direct_trust(self, base: int) -> list[Row]:
        """The row of roles whose trust names a principal itself: of its own account they want no grant."""
        named = self.trusted_directly.get(base, 0)
        return [Row(self._assume, 0, named)] if named and self._assume is not None else []

    # Exact.

    def settle(self, actor: Actor, step: Step, target: Actor) -> bool | None:
        """The exact answer for one target of a row's open ones; None where conditions are still open."""
        key = (id(actor), step.id, self.place[target.principal.arn])
        if key not in self._settled:
            self._settled[key] = self._settle(actor, step, target)
        return self._settled[key]

    def _settle(self, actor: Actor, step: Step, target: Actor) -> bool | None:
        trust = step.reach == "assumable-role"
        if trust and target.trust is None:
            return None
        result: bool | None = True
        for action, on in step.needs.items():
            if on != "target" or step.reach in ("policy", "old-policy", "group"):
                result = None
                continue
            who = target.principal
            resource = Resource(who.arn, who.account, who.tags)
            request = Request(actor.principal, action, resource, self.setting(step).context)
            policies = actor.policies
            if trust:
                policies = Policies(
                    policies.identity,
                    target.trust,
                    policies.boundary,
                    policies.session,
                    policies.scps,
                    policies.rcps,
                    unread=policies.unread,
                )
            made = decide(request, policies)
            if not made.may:
                return False
            if not made.must:
                result = None
        if (
            step.reach == "service-role"
            and not self._service(step.service).yes >> self.place[target.principal.arn] & 1
        ):
            return None
        return result


def _gather(table: Mapping[int, int], things: int) -> int:
    made = 0
    for at in positions(things):
        made |= table.get(at, 0)
    return made


def _assumed_by(service: str, account: str, role: Actor, trust: PolicySet) -> bool | None:
    request = Request(
        Principal(Kind.SERVICE, service),
        "sts:AssumeRole",
        Resource(role.principal.arn, account),
        Context({"aws:SourceAccount": account}),
    )
    made = decide(request, Policies(resource=trust))
    return True if made.must else None if made.may else False
