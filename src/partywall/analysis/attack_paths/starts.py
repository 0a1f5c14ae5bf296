"""Where an attacker can begin, and the steps by which each beginning gives a principal's credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from partywall.analysis.attack_paths.parts import (
    CERTAIN,
    POSSIBLE,
    UNKNOWN,
    Call,
    Entry,
    Factor,
    Model,
    Step,
    short,
)
from partywall.analysis.iam.holdings import Holder

Row = Mapping[str, Any]
_EVERYONE: Final = ("0.0.0.0/0", "::/0")
_KINDS: Final = {
    "lambda-function": "function",
    "ec2-instance": "instance",
    "ecs-task": "task",
    "eks-cluster": "EKS cluster",
}
"""The holders of roles that run somebody's code all the time, and so can be compromised."""
_RULE: Final = re.compile(r"^security-group (?P<groups>.*?): in by (?P<rule>.*)$")
_OLD: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Start:
    """An entry, and the steps that lead from it to the credentials of a principal."""

    entry: Entry
    steps: tuple[Step, ...]
    principal: str
    via: str
    """The first thing of the scanned accounts on the way: an instance, a function, a user, a role."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What is read of a scan to find starts; rows as dictionaries of the columns that the table names."""

    exposures: Sequence[Row]
    holders: Sequence[Holder]
    instances: Mapping[str, Row]
    """By ARN."""
    users: Sequence[Row]
    risks: Sequence[Row]
    tasks: Mapping[str, Row]
    """By ARN."""
    exploits: Mapping[str, Sequence[Row]]
    """Instance id or function ARN -> vulnerabilities with a known exploit."""
    accounts: frozenset[str]
    now: datetime


def starts(given: Scanned, weights: Model) -> list[Start]:
    """All starts: by the internet, other accounts, leaked keys and compromised workloads."""
    maker = _Starts(given, weights)
    return [*maker.of_workloads(), *maker.of_keys(), *maker.of_trust()]


class _Starts:
    def __init__(self, given: Scanned, weights: Model) -> None:
        self.given = given
        self.weights = weights
        self.names = {
            arn: (row["tags"] or {}).get("Name") or str(row["name"] or "")
            for arn, row in given.instances.items()
        }
        self.exposed: dict[str, list[Row]] = {}
        for row in given.exposures:
            self.exposed.setdefault(row["resource_arn"] or row["arn"], []).append(row)

    # Workloads.

    def of_workloads(self) -> Iterator[Start]:
        """Each workload that runs with a role: compromised as it is, and as far as strangers reach it."""
        for holder in self.given.holders:
            if holder.kind not in _KINDS or not holder.roles:
                continue
            if not self._runs(holder):
                continue
            what = _KINDS[holder.kind]
            entry = self.weights.entry("workload", holder.arn, f"compromised {what} {self._name(holder.arn)}")
            for role in holder.roles:
                taken = self._credentials(holder, role)
                if taken is None:
                    continue
                yield Start(entry, (taken,), role, holder.arn)
                for outside, steps in self._in(holder):
                    yield Start(outside, (*steps, taken), role, holder.arn)

    def _runs(self, holder: Holder) -> bool:
        row = self.given.instances.get(holder.arn)
        return row is None or row["state"] not in ("terminated", "shutting-down", "stopped", "stopping")

    def _name(self, arn: str) -> str:
        return self.names.get(arn) or short(arn).rpartition(":")[2].rpartition("/")[2]

    def _credentials(self, holder: Holder, role: str) -> Step | None:
        """How code on a workload gets the role's credentials; None where it cannot."""
        narrow = (role, f"give {short(role)} no more rights than {self._name(holder.arn)} needs")
        if holder.kind != "ec2-instance":
            return self.weights.step(
                "runtime",
                holder.arn,
                role,
                evidence=(f"{short(holder.arn)} runs with {short(role)}",),
                changes=(narrow,),
            )
        row = self.given.instances.get(holder.arn)
        endpoint = row["http_endpoint"] if row is not None else None
        if endpoint == "disabled":
            return None
        limit = row["http_put_response_hop_limit"] if row is not None else None
        more = [self.weights.factor("hop-limit")] if limit is not None and limit > 1 else []
        told = [f"{short(holder.arn)} has the profile of {short(role)}"]
        if row is not None and row["http_tokens"]:
            told.append(f"metadata tokens: {row['http_tokens']}, hop limit: {limit}")
        known = endpoint is not None
        return self.weights.step(
            "metadata", holder.arn, role, certainty=CERTAIN if known else UNKNOWN, factors=more,
            evidence=told, changes=(narrow,), failed=() if known else _failed(row),
        )  # fmt: skip

    def _in(self, holder: Holder) -> Iterator[tuple[Entry, tuple[Step, ...]]]:
        """How strangers get to run code on a workload, or make it ask for them."""
        found = self.exposed.get(holder.arn, ())
        task = self.given.tasks.get(holder.arn)
        if task is not None:
            service = _service_of(task)
            found = [r for r in self.given.exposures if service and r["arn"] == service]
        for row in found:
            for entry, reached, ports in self._reached(holder, row):
                for step in self._footholds(holder, row, reached, ports):
                    yield entry, (*((reached,) if step.kind != "call-function" else ()), step)

    def _reached(self, holder: Holder, row: Row) -> Iterator[tuple[Entry, Step, list[Row] | None]]:
        """The ways that packets come: entry, step, and ports (None: a front door; none: not known which)."""
        name = self._name(holder.arn)
        internet = self.weights.entry("internet", "", "")
        ports: list[Any] = row["internet_ports"] or []
        sure = [p for p in ports if p is not None]
        lines: list[str] = row["internet_path"] or []
        if sure:
            factors = [] if _wide(lines, row) else [self.weights.factor("some-addresses")]
            told = ", ".join(_port(p) for p in sure)
            yield (
                internet,
                self.weights.step(
                    "reach", "internet", holder.arn, title=f"Reach {name} on {told}", factors=factors,
                    evidence=lines, changes=_rules(lines, name, told, holder.arn),
                ),
                sure,
            )  # fmt: skip
        elif row["internet_reachable"] is None or None in ports or row["internet_ports"] is None:
            yield (
                internet,
                self.weights.step(
                    "reach", "internet", holder.arn, name=name, certainty=UNKNOWN, failed=_failed(row)
                ),
                [],
            )
        for via in row["internet_via"] or ():
            if via is None:
                continue
            factors = [self.weights.factor("behind-waf")] if via["waf"] else []
            if via["authentication"]:
                continue
            front = short(via["entry_arn"])
            yield (
                internet,
                self.weights.step(
                    "reach-front", "internet", holder.arn,
                    title=f"Reach {name} through {via['protocol']} {via['port']} of {_front(front)}",
                    factors=factors,
                    evidence=(f"{front} hands on to port {via['target_port']}",),
                    changes=((via["entry_arn"], f"ask for a sign-in at {_front(front)}"),),
                ),
                None,
            )  # fmt: skip
        for account, open_ in _by_account(row):
            if account in self.given.accounts:
                continue
            told = ", ".join(_port(p) for p in open_)
            yield (
                self.weights.entry("other-account", account, f"account {account}"),
                self.weights.step(
                    "reach", account, holder.arn, title=f"Reach {name} on {told} from account {account}",
                    changes=((holder.arn, f"close {told} of {name} to account {account}"),),
                ),
                open_,
            )  # fmt: skip

    def _footholds(self, holder: Holder, row: Row, reached: Step, ports: list[Row] | None) -> Iterator[Step]:
        """What lets a stranger who reaches a workload act as it."""
        weights, arn, name = self.weights, holder.arn, self._name(holder.arn)
        if holder.kind == "lambda-function":
            if row["kind"] == "function-url" and row["authentication"] != "":
                # Whoever must sign in is a principal, and among the entries as such.
                return
            known = row["internet_reachable"] is not None and row["authentication"] is not None
            yield weights.step(
                "call-function", "internet", arn, name=name,
                certainty=POSSIBLE if known else UNKNOWN,
                evidence=reached.evidence,
                factors=self._known(arn),
                changes=((arn, f"make the URL of {name} ask for IAM authentication"),),
                failed=() if known else _failed(row),
            )  # fmt: skip
            return
        exploits = self.given.exploits.get(arn) or self.given.exploits.get(arn.rpartition("/")[2]) or ()
        if exploits:
            known = sorted({str(e["vulnerability"]) for e in exploits})
            yield weights.step(
                "exploit", "internet", arn, name=name, certainty=_at_least(reached),
                factors=(weights.factor("known-exploit", f"an exploit is known for {', '.join(known[:3])}"),),
                evidence=[_vulnerability(e) for e in exploits][:5],
                changes=((arn, f"patch {', '.join(known[:3])} on {name}"),),
            )  # fmt: skip
        if ports is not None and (not ports or _administers(ports, weights.data["admin_ports"])):
            yield weights.step(
                "log-in", "internet", arn, name=name, certainty=_at_least(reached),
                changes=[(c.subject, c.text) for c in reached.changes],
            )  # fmt: skip
        instance = self.given.instances.get(arn)
        if holder.kind == "ec2-instance" and (ports is None or not ports or _others(ports, weights)):
            tokens = instance["http_tokens"] if instance is not None else None
            if tokens != "required":
                yield weights.step(
                    "forge-request", "internet", arn, name=name,
                    certainty=_at_least(reached) if tokens is not None else UNKNOWN,
                    evidence=(f"metadata tokens: {tokens}",) if tokens else (),
                    changes=((arn, f"require version 2 of the metadata service on {name}"),),
                    failed=() if tokens is not None else _failed(instance),
                )  # fmt: skip

    def _known(self, arn: str) -> list[Factor]:
        exploits = self.given.exploits.get(arn) or ()
        known = sorted({str(e["vulnerability"]) for e in exploits})
        if not known:
            return []
        return [self.weights.factor("known-exploit", f"an exploit is known for {', '.join(known[:3])}")]

    # Keys and trust.

    def of_keys(self) -> Iterator[Start]:
        """Each active access key, leaked."""
        for user in self.given.users:
            keys: list[Row] | None = user["access_keys"]
            if keys is None:
                yield self._key(user, "access key of", UNKNOWN, [])
                continue
            for key in keys:
                if key["active"] is False:
                    continue
                made: datetime | None = key["created"]
                factors: list[Factor] = []
                if made is not None and self.given.now - made > _OLD:
                    days = (self.given.now - made).days
                    factors.append(self.weights.factor("old-key", f"the key is {days} days old"))
                sure = CERTAIN if key["active"] else UNKNOWN
                yield self._key(user, f"access key {key['slot']} of", sure, factors)

    def _key(self, user: Row, what: str, certainty: str, factors: list[Factor]) -> Start:
        title = f"leaked {what} {user['name']}"
        entry = self.weights.entry("access-key", user["arn"], title, *factors)
        step = self.weights.step(
            "use-key", "leaked key", user["arn"], name=f"user {user['name']}", certainty=certainty,
            evidence=(f"{what} {user['name']} is active",) if certainty == CERTAIN else (),
            changes=((user["arn"], f"put roles in the place of the {what} {user['name']}"),),
            failed=_failed(user) if certainty == UNKNOWN else (),
        )  # fmt: skip
        return Start(entry, (step,), user["arn"], user["arn"])

    def of_trust(self) -> Iterator[Start]:
        """Each role that lets somebody in who is of no scanned account."""
        for risk in self.given.risks:
            for outsider in risk["outsiders"] or ():
                kind, name = outsider["kind"], outsider["name"]
                if kind == "federated" or (kind == "account" and name in self.given.accounts):
                    continue
                entry = (
                    self.weights.entry("internet", "", "")
                    if kind == "anyone"
                    else self.weights.entry("other-account", name, f"account {name}")
                )
                open_ = outsider["conditional"]
                step = self.weights.step(
                    "trusted", entry.arn or "internet", risk["arn"],
                    certainty=POSSIBLE if open_ else CERTAIN,
                    factors=[self.weights.factor("conditional")] if open_ else [],
                    evidence=(f"the trust policy of {short(risk['arn'])} names {name}",),
                    changes=(
                        (risk["arn"], f"take {_whom(kind, name)} out of the trust of {short(risk['arn'])}"),
                    ),
                )  # fmt: skip
                yield Start(entry, (step,), risk["arn"], risk["arn"])


def _whom(kind: str, name: str) -> str:
    return "everyone" if kind == "anyone" else f"account {name}"


def _at_least(reached: Step) -> str:
    return UNKNOWN if reached.certainty == UNKNOWN else POSSIBLE


def _failed(row: Row | None) -> tuple[Call, ...]:
    return tuple({**call, "call": "rows"} for call in (row or {}).get("_failed") or ())


def _port(port: Row) -> str:
    if port["protocol"] == "-1":
        return "every port"
    low, high = port["from_port"], port["to_port"]
    if low < 0:
        return f"every {port['protocol']} port"
    return f"{port['protocol']} {low}" if low == high else f"{port['protocol']} {low}-{high}"


def _wide(lines: Iterable[str], row: Row) -> bool:
    """Whether everyone gets in: no security group on the way names only some addresses."""
    rules = [line for line in lines if line.startswith("security-group ")]
    return all(any(block in line for block in _EVERYONE) for line in rules) or row["kind"] == "function-url"


def _rules(lines: Iterable[str], name: str, told: str, arn: str) -> list[tuple[str, str]]:
    """What to close: the rule of the security group that lets packets pass, else the ports as such."""
    found = [m for line in lines if (m := _RULE.match(line))]
    if not found:
        return [(arn, f"close {told} of {name} to the internet")]
    last = found[-1]
    return [(last["groups"].split(" ")[0], f"close {told} in {last['groups']} to the internet")]


def _front(front: str) -> str:
    parts = front.split("/")
    return parts[2] if len(parts) > 2 else front


def _covers(port: Row, number: int) -> bool:
    if port["protocol"] == "-1":
        return True
    if port["protocol"] not in ("tcp", "udp"):
        return False
    return port["from_port"] < 0 or port["from_port"] <= number <= port["to_port"]


def _administers(ports: Iterable[Row], numbers: Iterable[int]) -> bool:
    return any(_covers(p, n) for p in ports for n in numbers)


def _others(ports: Iterable[Row], weights: Model) -> bool:
    """Whether a TCP port is open on which an application may answer, not one for administration."""
    admin = weights.data["admin_ports"]
    for port in ports:
        if port["protocol"] == "-1" or (port["protocol"] == "tcp" and port["from_port"] < 0):
            return True
        if port["protocol"] == "tcp" and not (
            port["from_port"] == port["to_port"] and port["from_port"] in admin
        ):
            return True
    return False


def _by_account(row: Row) -> Iterator[tuple[str, list[Row]]]:
    found: dict[str, list[Row]] = {}
    for port in row["other_account_ports"] or ():
        if port is not None:
            found.setdefault(port["account_id"], []).append(port)
    yield from sorted(found.items())


def _service_of(task: Row) -> str:
    """The ARN of the ECS service that a task belongs to; "" where it was started by itself."""
    group, cluster = str(task["group"] or ""), str(task["cluster_arn"] or "")
    if not group.startswith("service:") or ":cluster/" not in cluster:
        return ""
    return f"{cluster.replace(':cluster/', ':service/')}/{group.removeprefix('service:')}"


def _vulnerability(row: Row) -> str:
    epss = f", EPSS {row['epss']:.2f}" if row["epss"] is not None else ""
    return f"{row['vulnerability']} ({str(row['severity']).lower()}{epss})"
