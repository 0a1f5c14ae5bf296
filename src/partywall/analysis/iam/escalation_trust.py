"""Who may assume which role, as sets of callers and of roles.

Roles that trust whole accounts and no more are taken together; a role that names principals, asks for keys of
the caller or denies some is laid over its callers alone. IAM User Guide: Policy evaluation logic (the table
of "Determining whether a request is allowed or denied within an account"); Cross-account policy evaluation
logic; AWS JSON policy elements: Principal, NotPrincipal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from partywall.analysis.iam.document import Policy
from partywall.analysis.iam.escalation_batch import Batch, Part
from partywall.analysis.iam.escalation_reach import Ask, Clause, Reader
from partywall.analysis.iam.escalation_targets import Targets
from partywall.analysis.iam.escalation_world import Actor
from partywall.analysis.iam.evaluate import Layer
from partywall.analysis.iam.principal import Form, Kind
from partywall.analysis.iam.universe import pack, positions

_FEW: Final = 64
_Layers = tuple[tuple[tuple[Policy, ...], bool, bool], ...]


@dataclass(slots=True)
class _Callers:
    """Of one role: the callers whom its trust allows in one form, certainly and at most."""

    yes: int = 0
    may: int = 0


@dataclass(frozen=True, slots=True)
class _Trust:
    clauses: tuple[Clause, ...]
    names: frozenset[str]
    """Callers named one by one."""
    accounts: frozenset[str]
    anyone: bool
    layers: _Layers
    """RCPs that bear on it; none where they allow everything."""


class Trusts:
    """The trust policies of all roles of a world."""

    def __init__(self, targets: Targets, reader: Reader, ask: Ask) -> None:
        self.targets = targets
        self.reader = reader
        self.ask = ask
        self._free: dict[tuple[object, ...], bool] = {}
        self._by_account: dict[str, tuple[int, int]] = {}
        self._unread = 0
        self._special: dict[int, _Trust] = {}
        for n in positions(targets.roles):
            self._note(n, targets.actors[n])

    def _note(self, n: int, role: Actor) -> None:
        if role.trust is None:
            self._unread |= 1 << n
            return
        clauses = tuple(c for p in role.trust.policies for c in self.reader.clauses(p, self.ask))
        names: set[str] = set()
        accounts: dict[str, bool] = {}
        anyone, simple = False, True
        for clause in clauses:
            statement, element = clause.statement, clause.statement.principal
            held = self.reader.common(clause, self.ask)
            if held is False:
                continue
            plain = statement.allow and statement.resources is None and not statement.broken
            if not plain or clause.personal or clause.tagged or clause.own:
                simple = False
            if element is None or element.everyone or statement.not_principal:
                anyone = anyone or statement.allow
                simple = False
                continue
            for kind, text in element.named:
                if kind != "AWS" or not statement.allow:
                    continue
                account = _account(text)
                if account:
                    accounts[account] = accounts.get(account, False) or held is True
                else:
                    names.add(text)
        layers = () if self._rcps_allow(role) else _rcps(role)
        if simple and not layers:
            for account, held in accounts.items():
                yes, may = self._by_account.get(account, (0, 0))
                self._by_account[account] = (yes | held << n, may | 1 << n)
            accounts = {}
        if names or accounts or anyone:
            self._special[n] = _Trust(clauses, frozenset(names), frozenset(accounts), anyone, layers)

    def _rcps_allow(self, role: Actor) -> bool:
        """Whether the RCPs of a role's account allow every caller to assume it."""
        policies = role.policies
        if role.principal.management:
            return True
        if Layer.RCP in policies.unread:
            return False
        key = tuple(map(id, policies.rcps))
        if key not in self._free:
            every = self.reader.things.all
            self._free[key] = all(
                any(self._said_plainly(p) == (every, 0) for p in level.policies)
                and all(self._said_plainly(p)[1] == 0 for p in level.policies)
                for level in policies.rcps
            )
        return self._free[key]

    def _said_plainly(self, policy: Policy) -> tuple[int, int]:
        """The things that a policy lets everyone reach, and those that it may keep anyone from."""
        allowed = denied = 0
        for clause in self.reader.clauses(policy, self.ask):
            if not clause.statement.allow:
                denied = self.reader.things.all
            elif not (clause.personal or clause.own or clause.tagged):
                allowed |= clause.said[self.reader.common(clause, self.ask) is not True].allow_yes
        return allowed, denied

    # Edges.

    def edges(self, batch: Batch, without: int = 0) -> Iterator[Part]:
        """(callers, the roles that they may assume, certainly and at most); roles as bits of principals.

        `without`: the id of a policy whose Allows do not count.
        """
        targets = self.targets
        granted = batch.parts(self.ask, without=without)
        for account, parts in granted.items():
            yes, may = self._by_account.get(account, (0, 0))
            for nodes, some, most in parts:
                reached = targets.principals(most) & (may | self._unread)
                if reached:
                    yield Part(nodes, targets.principals(some) & yes, reached)
        if self._special:
            callers = _Index(batch, self, granted)
            for n in self._special:
                yield from self._role(n, batch, callers)

    def _role(self, n: int, batch: Batch, callers: _Index) -> Iterator[Part]:
        trust, role = self._special[n], self.targets.actors[n]
        at = self.targets.things.index[role.principal.arn]
        asked = callers.all if trust.anyone else callers.named(trust.names)
        for account in trust.accounts:
            asked |= callers.accounts.get(account, 0)
        if not asked:
            return
        reach = callers.reaching(at, asked)
        home = callers.accounts.get(role.principal.account, 0)
        allows = {form: _Callers() for form in (Form.DIRECT, Form.ROLE, Form.ACCOUNT)}
        denied = _Callers()
        # Nobody is asked about whom nothing could let through.
        asked &= reach[2].may & home | reach[0].may & ~home
        for clause in trust.clauses:
            for form, nodes in callers.forms(clause, asked):
                yes, may = self._applies(clause, at, nodes, batch)
                into = allows[form] if clause.statement.allow else denied
                into.yes |= yes
                into.may |= may
        yes = self._sum(home, reach, allows, certain=True) & ~denied.may
        may = self._sum(home, reach, allows, certain=False) & ~denied.yes
        if trust.layers and may:
            beyond = callers.service_linked
            for nodes, (some, most) in batch.bounds(trust.layers, self.ask, may & ~beyond):
                if not some >> at & 1:
                    yes &= ~nodes
                if not most >> at & 1:
                    may &= ~nodes
        yes &= may
        if yes:
            yield Part(yes, 1 << n, 1 << n)
        if may & ~yes:
            yield Part(may & ~yes, 0, 1 << n)

    @staticmethod
    def _sum(home: int, reach: Sequence[_Callers], allows: dict[Form, _Callers], *, certain: bool) -> int:
        """Who is let through: by its own grant and the account's naming, or by being named itself."""
        granted, limited, free = (r.yes if certain else r.may for r in reach)
        direct, role, account = (c.yes if certain else c.may for c in allows.values())
        within = (direct & free) | (role & limited) | (account & granted)
        return (within & home) | (granted & (direct | role | account) & ~home)

    def _applies(self, clause: Clause, at: int, nodes: int, batch: Batch) -> tuple[int, int]:
        """The nodes for which a statement applies to one role, certainly and at most."""
        yes = may = nodes
        if clause.personal:
            true, none = batch.outcome(clause, nodes)
            yes, may = nodes & true, nodes & (true | none)
        if not clause.own:
            some, most = self.reader.covers(clause, self.ask, None)
            return (yes if some >> at & 1 else 0), (may if most >> at & 1 else 0)
        certain: list[int] = []
        possible: list[int] = []
        for n in positions(may):
            some, most = self.reader.covers(clause, self.ask, batch.actors[n])
            if some >> at & 1:
                certain.append(n)
            if most >> at & 1:
                possible.append(n)
        return yes & pack(certain, batch.size), may & pack(possible, batch.size)


class _Index:
    """The nodes of a batch as callers: by name and account, and which roles they are let reach."""

    def __init__(self, batch: Batch, trusts: Trusts, granted: dict[str, list[Part]]) -> None:
        self.batch = batch
        self.all = batch.all
        self.accounts = batch.accounts
        self._names: dict[str, list[int]] = {}
        linked: list[int] = []
        bound: list[int] = []
        for n, actor in enumerate(batch.actors):
            who = actor.principal
            self._names.setdefault(who.arn, []).append(n)
            if who.unique_id:
                self._names.setdefault(who.unique_id, []).append(n)
            if who.service_linked:
                linked.append(n)
            if actor.policies.boundary is not None:
                bound.append(n)
        self.service_linked = pack(linked, batch.size)
        self._bound = pack(bound, batch.size)
        ask = trusts.ask
        self._levels: list[list[Part]] = [
            [part for parts in found.values() for part in parts]
            for found in (granted, batch.parts(ask, 1), batch.parts(ask, 2))
        ]
        self._part_of = [{n: p for p in parts for n in positions(p.nodes)} for parts in self._levels]

    def named(self, names: Iterable[str]) -> int:
        """The nodes of some names (ARNs, unique ids)."""
        return pack((n for name in names for n in self._names.get(name, ())), self.batch.size)

    def reaching(self, at: int, nodes: int) -> list[_Callers]:
        """Which of the nodes reach a thing: granted, within their limits, and by not being denied it."""
        made: list[_Callers] = []
        few = list(positions(nodes)) if nodes.bit_count() <= _FEW else None
        for parts, part_of in zip(self._levels, self._part_of, strict=True):
            found = _Callers()
            if few is not None:
                for n in few:
                    part = part_of.get(n)
                    if part is not None:
                        found.yes |= (part.yes >> at & 1) << n
                        found.may |= (part.may >> at & 1) << n
            else:
                for members, yes, may in parts:
                    if may >> at & 1:
                        found.may |= members & nodes
                        found.yes |= members & nodes if yes >> at & 1 else 0
            made.append(found)
        return made

    def forms(self, clause: Clause, nodes: int) -> Iterator[tuple[Form, int]]:
        """How closely a statement names which of the nodes."""
        statement, element = clause.statement, clause.statement.principal
        if element is None:
            if not statement.allow:
                yield Form.DIRECT, nodes
            return
        if statement.not_principal:
            spared = [
                n
                for n in positions(nodes)
                if self.batch.actors[n].principal.form(statement) is Form.NONE
                # NotPrincipal spares nobody who has a boundary (page "NotPrincipal").
                and (statement.allow or not self._bound >> n & 1)
            ]
            yield Form.DIRECT, nodes & ~pack(spared, self.batch.size)
            return
        if element.everyone:
            yield Form.DIRECT, nodes
            return
        closer = self.named(text for kind, text in element.named if kind == "AWS") & nodes
        for n in positions(closer):
            kind = self.batch.actors[n].principal.kind
            yield (Form.DIRECT if kind is Kind.USER else Form.ROLE), 1 << n
        whole = 0
        for kind, text in element.named:
            if kind == "AWS" and (account := _account(text)):
                whole |= self.accounts.get(account, 0)
        if whole & nodes & ~closer:
            yield Form.ACCOUNT, whole & nodes & ~closer


def _account(text: str) -> str:
    """The account that a principal's text names as a whole, "" for none."""
    if text.isdigit():
        return text
    return text.split(":")[4] if text.startswith("arn:") and text.endswith(":root") else ""


def _rcps(role: Actor) -> _Layers:
    unread = Layer.RCP in role.policies.unread
    layers = [(level.policies, unread, False) for level in role.policies.rcps]
    return tuple(layers) or (((), True, False),)
