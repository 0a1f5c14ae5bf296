"""Joins where attackers can begin with whom they become and what they then reach: all routes of a scan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from partywall.analysis.attack_paths.parts import (
    CERTAIN,
    POSSIBLE,
    UNKNOWN,
    Call,
    Model,
    Route,
    Step,
    Target,
    model,
    short,
)
from partywall.analysis.attack_paths.starts import Scanned, Start, starts
from partywall.analysis.attack_paths.targets import Access, Accesses, admin_target, targets
from partywall.analysis.iam.escalation import Path
from partywall.analysis.iam.escalation_study import Standpoint, how
from partywall.analysis.iam.escalation_study import Study as Escalations

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

Row = Mapping[str, Any]
_COMMON: Final = ("account_id", "region", "arn", "name", "tags", "_failed")
INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "network_exposure": (
        *("kind", "resource_arn", "instance_id", "internet_reachable", "internet_ports", "internet_path"),
        *("internet_via", "other_account_ports", "authentication", "environment"),
    ),
    "iam_principal_risk": ("is_admin", "outsiders"),
    "iam_resource_access": ("resource_type", "kind", "access", "can_read", "principals", "statements"),
    "ec2_instance": (
        "instance_id", "state", "http_tokens", "http_endpoint", "http_put_response_hop_limit",
        "instance_profile_arn",
    ),
    "ecs_task": ("cluster_arn", "group"),
    "lambda_function": ("role",),
    "iam_role": ("trust_policy",),
    "iam_user": ("access_keys",),
    "inspector2_region": ("status", "exploitable"),
    "s3_bucket": ("sse_kms_key", "policy"),
    "dynamodb_table": ("kms_key_arn", "policy"),
    "rds_instance": ("kms_key_id",),
    "rds_cluster": ("kms_key_id",),
    "secretsmanager_secret": ("kms_key_id", "policy"),
    "kms_key": ("key_manager", "key_state", "policy", "grants", "alias_names"),
    "backup_vault": ("encryption_key_arn", "recovery_points", "locked", "denies_deletion", "policy"),
}  # fmt: skip
"""Table -> the columns that are read, besides what the analyses among them read themselves."""
TARGETS: Final = (
    *("s3_bucket", "dynamodb_table", "rds_instance", "rds_cluster", "secretsmanager_secret"),
    *("kms_key", "backup_vault"),
)
_SETTLED: Final = ("network_exposure", "iam_resource_access")
"""Analyses whose rows tell by NULL what was not read, but for the listings behind them."""
_OUTSIDE: Final = {"anonymous": "internet", "any_principal": "internet", "foreign_account": "other-account"}
_MANY: Final = 24
"""At most so many routes are kept of one entry to one target by one first thing."""


@dataclass(slots=True, eq=False)
class AttackPath:
    """From an entry to a target by the first thing on the way; `routes` the best first."""

    routes: list[Route]
    via: str

    @property
    def best(self) -> Route:
        """The surest and likeliest route."""
        return self.routes[0]

    @property
    def name(self) -> str:
        """What it is called in lists."""
        return f"{self.best.entry.title} to {self.best.target.name}"

    @property
    def order(self) -> tuple[object, ...]:
        """The worst first; what is not known after what is."""
        best = self.best
        return (
            best.certainty == UNKNOWN,
            -best.score,
            len(best.steps),
            best.entry.arn,
            best.target.arn,
            self.via,
        )


@dataclass(slots=True, eq=False)
class AttackStudy:
    """All attack paths of a scan, ranked, and what could not be decided."""

    paths: list[AttackPath]
    targets: list[Target]
    undecided: dict[str, int] = field(default_factory=dict[str, int])
    """What was not read -> how many things it leaves open."""
    failed: list[Call] = field(default_factory=list[Call])
    """The calls that may hide paths, as elements of `_failed`."""
    untagged: list[tuple[str, str, Call]] = field(default_factory=list[tuple[str, str, Call]])
    """Account, Region and call of what holds data and whose tags were not read: it may be a target."""

    def of(self, target: Target, kind: str = "") -> list[AttackPath]:
        """The paths to a target, the worst first; of one kind of entry."""
        found = self._by_target().get(target.arn, [])
        return [p for p in found if p.best.target is target and (not kind or p.best.entry.kind == kind)]

    def _by_target(self) -> dict[str, list[AttackPath]]:
        if not self._index:
            for path in self.paths:
                self._index.setdefault(path.best.target.arn, []).append(path)
        return self._index

    _index: dict[str, list[AttackPath]] = field(default_factory=dict[str, list[AttackPath]])


_studies: WeakKeyDictionary[Lake, AttackStudy] = WeakKeyDictionary()


def study(lake: Lake) -> AttackStudy:
    """The attack paths of a scan, made once for each opened lake."""
    found = _studies.get(lake)
    if found is None:
        found = _studies[lake] = _Maker(lake, model()).made()
    return found


class _Maker:
    def __init__(self, lake: Lake, weights: Model) -> None:
        from partywall.analysis.attack_paths.reading import bearing, row_failures
        from partywall.analysis.iam.scan_world import load
        from partywall.analysis.iam.tables_paths import blamer
        from partywall.analysis.iam.tables_paths import study as escalations

        self.lake = lake
        self.weights = weights
        self.rows = {name: self._rows(name, columns) for name, columns in INPUTS.items()}
        self.iam: Escalations = escalations(lake)
        self.blamed = blamer(lake)
        self.world = load(lake)
        self.targets = targets(
            {name: self.rows[name] for name in TARGETS},
            weights,
            lambda name, row: row_failures(name, row, INPUTS[name]),
        )
        self.accesses = Accesses(self.world, self.iam.least.masker)
        # What targets lack is told of each of them.
        self.failed = bearing(lake, {n: c for n, c in INPUTS.items() if n not in TARGETS}, _SETTLED)
        self.people = {
            p.identity.principal.arn: p.identity.principal for p in self.iam.reading.people.persons
        }
        self._admins: dict[str, Target] = {}
        self._found: dict[tuple[str, str, str, str], list[Route]] = {}
        self._hops: dict[tuple[int, int], tuple[Step, ...]] = {}

    def _rows(self, name: str, columns: Iterable[str]) -> list[dict[str, Any]]:
        from partywall.tables.registry import table

        stored = self.lake.source.stored(table(name), dict.fromkeys((*_COMMON, *columns)))
        rows = self.lake.arrow(stored).to_pylist()
        for row in rows:
            row["tags"] = None if row["tags"] is None else dict(row["tags"])
        return rows

    def made(self) -> AttackStudy:
        begins = starts(self._scanned(), self.weights)
        by_principal: dict[str, list[Start]] = {}
        for start in begins:
            by_principal.setdefault(start.principal, []).append(start)
        self._to_admins(by_principal)
        self._to_things(by_principal)
        self._from_outside()
        paths = [AttackPath(_best(routes), key[2]) for key, routes in self._found.items()]
        paths.sort(key=lambda p: p.order)
        untagged = (row for name in TARGETS for row in self.rows[name] if row["tags"] is None)
        return AttackStudy(
            paths,
            [*self._admin_targets().values(), *self.targets],
            self._undecided(begins),
            self.failed,
            [(row["account_id"], row["region"], call) for row in untagged for call in row["_failed"] or ()],
        )

    def _scanned(self) -> Scanned:
        exploits: dict[str, list[Row]] = {}
        for region in self.rows["inspector2_region"]:
            for found in region["exploitable"] or ():
                arn = str(found["resource"])
                name = arn.rpartition(":")[0] if ":function:" in arn and arn.count(":") > 6 else arn
                exploits.setdefault(name, []).append(found)
        return Scanned(
            self.rows["network_exposure"],
            self.iam.reading.holders.found,
            {row["arn"]: row for row in self.rows["ec2_instance"] if row["arn"]},
            self.rows["iam_user"],
            self.rows["iam_principal_risk"],
            {row["arn"]: row for row in self.rows["ecs_task"] if row["arn"]},
            exploits,
            frozenset(a["account_id"] for a in self.lake.manifest.accounts),
            self.lake.manifest.started_at,
        )

    # Targets.

    def _admin_targets(self) -> dict[str, Target]:
        if not self._admins:
            held: dict[str, int] = {}
            live: dict[str, bool] = {}
            for target in self.targets:
                if self.weights.tagged(target.tags, "classified"):
                    held[target.account] = held.get(target.account, 0) + 1
            for row in (*self.rows["ec2_instance"], *self.rows["s3_bucket"], *self.rows["rds_instance"]):
                if self.weights.tagged(row["tags"], "production"):
                    live[row["account_id"]] = True
            for account in self.lake.manifest.accounts:
                id_ = account["account_id"]
                named = account.get("name") or ""
                self._admins[id_] = admin_target(
                    id_,
                    f"account {named} ({id_})" if named else f"account {id_}",
                    account.get("partition") or "aws",
                    live.get(id_, False),
                    held.get(id_, 0),
                    self.weights,
                )
        return self._admins

    # Joins.

    def _keep(self, start: Start, target: Target, steps: Sequence[Step]) -> None:
        key = (start.entry.kind, start.entry.title, start.via, target.arn)
        self._found.setdefault(key, []).append(Route(start.entry, target, (*start.steps, *steps)))

    def _to_admins(self, by_principal: Mapping[str, Sequence[Start]]) -> None:
        """From each beginning to administrator rights: held at once, or by escalation."""
        least, most = self.iam.least, self.iam.most
        for arn, begun in by_principal.items():
            if arn in least.admins:
                self._administer(begun, arn, arn, ())
                continue
            known = least.paths.get(arn)
            path, at = (known, least) if known is not None else (most.paths.get(arn), most)
            if path is not None and path.hops:
                steps = self._steps(path, at, unknown=known is None)
                last = path.hops[-1].target or arn
                self._administer(begun, arn, last if last in self.people else arn, steps)
            elif arn in most.admins:
                failed = self.blamed(self.iam.blame(arn))
                self._administer(begun, arn, arn, (), failed)

    def _administer(
        self,
        begun: Iterable[Start],
        arn: str,
        last: str,
        steps: Sequence[Step],
        failed: Sequence[Call] | None = None,
    ) -> None:
        account = (last if last.startswith("arn:") else arn).split(":")[4]
        target = self._admin_targets().get(account)
        if target is None:
            return
        own = last == arn or last in self.iam.least.admins
        narrow = [(last, f"give {short(last)} no more rights than its task needs")] if own else []
        final = self.weights.step(
            "administer-user" if ":user/" in last else "administer", last, target.arn, name=target.name,
            certainty=CERTAIN if failed is None else UNKNOWN,
            evidence=(f"{short(last)} may do every action on every resource",) if own else (),
            changes=narrow, failed=failed or (),
        )  # fmt: skip
        for start in begun:
            self._keep(start, target, (*steps, final))

    def _to_things(self, by_principal: Mapping[str, Sequence[Start]]) -> None:
        """From each beginning to what its principal, or one that it becomes, may touch.

        Administrators are left out: the path to administrator rights speaks for all that these include.
        """
        least = self.iam.least
        others = [who for arn, who in self.people.items() if arn not in least.admins]
        ways: dict[str, dict[str, Path]] = {}
        for target in self.targets:
            for access in self.accesses.of(target, others):
                last = self._touch(target, access)
                for start in by_principal.get(access.principal, ()):
                    self._keep(start, target, (last,))
                if access.principal not in ways:
                    found = least.graph.paths_to(access.principal)
                    ways[access.principal] = {p.principal: p for p in found if p.principal in by_principal}
                for arn, path in ways[access.principal].items():
                    if self._through_admin(arn, path):
                        continue
                    steps = self._steps(path, least, unknown=False)
                    for start in by_principal[arn]:
                        self._keep(start, target, (*steps, last))

    def _through_admin(self, arn: str, path: Path) -> bool:
        least = self.iam.least
        known = least.paths.get(arn)
        return (
            arn in least.admins
            or (known is not None and known.certain)
            or any(hop.target in least.admins for hop in path.hops)
        )

    def _touch(self, target: Target, access: Access) -> Step:
        change = (
            (target.arn, f"lock {target.name}, so that nobody deletes recovery points before their time")
            if target.kind == "backup-vault"
            else _narrowed(access.principal, access.action, access.statements)
        )
        return self.weights.step(
            target.step, access.principal, target.arn, name=target.name, certainty=access.certainty,
            why=f"{short(access.principal)} may {access.action}.",
            factors=[self.weights.factor("conditional")] if access.certainty == POSSIBLE else [],
            evidence=[f"{access.action}: {_of(label, access.principal)}" for label in access.statements],
            changes=(change,),
            failed=target.failed if access.certainty == UNKNOWN else (),
        )  # fmt: skip

    def _from_outside(self) -> None:
        """Targets whose own policies let outsiders in."""
        by_arn = {t.arn: t for t in self.targets if not t.safe}
        for row in self.rows["iam_resource_access"]:
            target = by_arn.get(row["arn"])
            kind = _OUTSIDE.get(row["kind"])
            if target is None or kind is None or row["access"] is False or row["can_read"] is False:
                continue
            known = row["access"] is not None and row["can_read"] is not None
            who = ["the internet"] if kind == "internet" else row["principals"] or ["some account"]
            for name in who:
                account = name if kind == "other-account" else ""
                entry = self.weights.entry(kind, account, f"account {account}" if account else "")
                step = self.weights.step(
                    "public", account or "internet", target.arn, name=target.name,
                    certainty=CERTAIN if known else UNKNOWN, evidence=row["statements"] or (),
                    changes=((target.arn, f"take {name} out of the policy of {target.name}"),),
                    failed=[{**c, "call": "rows"} for c in row["_failed"] or ()] if not known else (),
                )  # fmt: skip
                self._keep(Start(entry, (), "", target.arn), target, (step,))

    def _steps(self, path: Path, at: Standpoint, *, unknown: bool) -> tuple[Step, ...]:
        """A principal's escalation as steps, each with its evidence."""
        key = (id(path), id(at))
        if key in self._hops:
            return self._hops[key]
        failed = self.blamed(self.iam.blame(path.principal)) if unknown else []
        made: list[Step] = []
        for hop in path.hops:
            kind = how(hop.step)
            evidence = at.evidence(hop)
            told = [
                f"{e.action}{f' on {e.resource}' if e.resource else ''}:"
                f" {', '.join(_of(label, hop.source) for label in e.statements)}"
                for e in evidence
                if e.statements
            ]
            first = next((e for e in evidence if e.statements), None)
            change = _narrowed(
                hop.source,
                first.action if first is not None else next(iter(hop.step.needs)),
                first.statements if first is not None else (),
            )
            target = f" ({short(hop.target)})" if hop.target and hop.target != hop.source else ""
            made.append(
                self.weights.step(
                    kind, hop.source, hop.target or hop.source, title=f"{hop.step.title}{target}",
                    why=hop.step.why,
                    certainty=UNKNOWN if unknown else CERTAIN if hop.certain else POSSIBLE,
                    factors=[] if hop.certain else [self.weights.factor("conditional")],
                    evidence=told, changes=(change,), failed=failed,
                )
            )  # fmt: skip
        self._hops[key] = tuple(made)
        return self._hops[key]

    def _undecided(self, begins: Sequence[Start]) -> dict[str, int]:
        from partywall.analysis.iam.scan_actors import gap_words

        found: dict[str, int] = {}
        for row in self.rows["network_exposure"]:
            ports = row["internet_ports"]
            if row["internet_reachable"] is None or ports is None or None in ports:
                found["what the internet reaches"] = found.get("what the internet reaches", 0) + 1
        for gap, accounts in self.iam.reading.gaps.items():
            found[gap_words(gap)] = len(accounts)
        for start in begins:
            if any(s.certainty == UNKNOWN for s in start.steps):
                found["beginnings"] = found.get("beginnings", 0) + 1
        untagged = sum(
            row["tags"] is None for name in TARGETS for row in self.rows[name] if row["arn"] is not None
        )
        if untagged:
            found["tags that might classify data"] = untagged
        return dict(sorted(found.items()))


def _best(routes: list[Route]) -> list[Route]:
    """The routes of one path, each once, the best first."""
    told: dict[tuple[str, ...], Route] = {}
    for route in sorted(routes, key=lambda r: r.order):
        told.setdefault(tuple(s.title for s in route.steps), route)
    return list(told.values())[:_MANY]


_AWS_MANAGED: Final = ":iam::aws:policy/"


def _of(label: str, principal: str) -> str:
    """A statement's label, told apart from those of other principals' inline policies of the same name."""
    return f"{label} of {short(principal)}" if label.startswith("inline ") else label


def _narrowed(principal: str, action: str, statements: Sequence[str]) -> tuple[str, str]:
    """What takes an action from a principal: the subject of the change, and the change in words."""
    who = short(principal)
    if not statements:
        return principal, f"take {action} from {who}"
    label = statements[0]
    if _AWS_MANAGED in label:
        # AWS writes these: the principal, or its group, gets a narrower one.
        name = label.partition(_AWS_MANAGED)[2].partition(":")[0]
        return principal, f"put a narrower policy in the place of {name} on {who}"
    told = _of(label, principal)
    return told, f"take {action} out of {told}, or name in Resource only what the task needs"
