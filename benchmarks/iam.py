# ruff: noqa: E501, SIM905
"""A made-up account of 10,000 principals: masks, classes, who-can, bulk decisions, escalation paths.

Baseline: principal by principal with `decide`. Times are CPU seconds of one process.

Run: python benchmarks/iam.py [--principals 10000] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import random
import resource as limits
import time
from collections.abc import Callable
from typing import Any

from partywall.analysis.iam.document import Policy, parse
from partywall.analysis.iam.escalation import Escalation
from partywall.analysis.iam.escalation_world import Accounts, Actor, Group, Holding
from partywall.analysis.iam.evaluate import Outcome, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.masks import Masker, Member
from partywall.analysis.iam.population import Population
from partywall.analysis.iam.principal import principal

ACCOUNT = "111122223333"
SERVICES = "s3 dynamodb sqs sns kms logs ec2 ecs rds lambda cloudwatch ssm events states glue athena".split()
VERBS = ("Get*", "List*", "Describe*", "Put*", "Create*", "Delete*", "Update*", "*")
TRUSTED = ("ec2", "lambda", "ecs-tasks", "codebuild", "glue", "cloudformation", "states")


def statement(rng: random.Random, number: int) -> dict[str, Any]:
    service = rng.choice(SERVICES)
    wide = rng.random() < 0.3
    made: dict[str, Any] = {
        "Effect": "Deny" if rng.random() < 0.05 else "Allow",
        "Action": [f"{service}:{verb}" for verb in rng.sample(VERBS, rng.randint(1, 4))],
        "Resource": "*"
        if wide
        else [f"arn:aws:{service}:*:{ACCOUNT}:app-{number}*", f"arn:aws:{service}:::app-{number}/*"],
    }
    if rng.random() < 0.15:
        made["Condition"] = {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}
    return made


def managed(rng: random.Random, number: int) -> str:
    statements = [statement(rng, number) for _ in range(rng.randint(1, 5))]
    luck = rng.random()
    if luck < 0.01:
        statements.append(
            {
                "Effect": "Allow",
                "Action": "iam:*",
                "Resource": f"arn:aws:iam::{ACCOUNT}:role/app-{number % 40}*",
            }
        )
    elif luck < 0.04:
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["iam:PassRole", "lambda:*"],
                "Resource": "*",
                "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
            }
        )
    elif luck < 0.10:
        statements.append(
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Resource": f"arn:aws:iam::{ACCOUNT}:role/app-{number % 60}*",
            }
        )
    elif luck < 0.11:
        statements.append(
            {"Effect": "Allow", "Action": ["ssm:SendCommand", "ssm:StartSession"], "Resource": "*"}
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def inline(number: int) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["iam:GetUser", "iam:CreateAccessKey"], "Resource": f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"}
            if number % 5 == 0 else
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::home/{number}/*"}
        ]}
    )  # fmt: skip


class Texts:
    """An account as its documents, made before the clock starts."""

    def __init__(self, count: int, seed: int) -> None:
        rng = random.Random(seed)
        self.managed = [managed(rng, n) for n in range(1500)]
        self.admin = json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        )
        self.boundaries = [
            json.dumps({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"}, *extra]})
            for extra in ([], [{"Effect": "Deny", "Action": "iam:*Boundary*", "Resource": "*"}],
                          [{"Effect": "Deny", "NotAction": ["iam:*", "sts:*", "s3:*", "lambda:*", "ec2:*"], "Resource": "*"}])
        ]  # fmt: skip
        region = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}
        self.scps = [
            [self.admin],
            [self.admin, json.dumps({"Version": "2012-10-17", "Statement": [
                {"Effect": "Deny", "Action": ["organizations:LeaveOrganization", "cloudtrail:StopLogging"], "Resource": "*"},
                {"Effect": "Deny", "NotAction": ["iam:*", "sts:*", "organizations:*"], "Resource": "*", "Condition": region}]})],
        ]  # fmt: skip
        self.people: list[tuple[str, str, list[int], str | None, int, str | None]] = []
        for n in range(count):
            is_role = n % 2 == 0
            arn = f"arn:aws:iam::{ACCOUNT}:{'role/app-' if is_role else 'user/u'}{n}"
            attached = rng.sample(range(1500), rng.randint(3, 12) - (n % 3 == 0))
            trusted: dict[str, str] = {"Service": f"{rng.choice(TRUSTED)}.amazonaws.com"}
            if n % 10 == 0:
                trusted = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            trust = json.dumps({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}]}) if is_role else None  # fmt: skip
            self.people.append(
                (
                    arn,
                    "admin" if n % 500 == 4 else "",
                    attached,
                    inline(n) if n % 3 == 0 else None,
                    n % 3,
                    trust,
                )
            )


def build(texts: Texts) -> Accounts:
    read: dict[str, Policy] = {}

    def policy(text: str, name: str, named: bool = False) -> Policy:
        found = read.get(text)
        if found is None:
            found = read[text] = parse(text, name, principal=named)
        return found

    pool = [policy(text, f"arn:aws:iam::{ACCOUNT}:policy/p{n}") for n, text in enumerate(texts.managed)]
    admin = policy(texts.admin, "arn:aws:iam::aws:policy/AdministratorAccess")
    boundaries = [PolicySet([policy(text, "boundary")]) for text in texts.boundaries]
    scps = tuple(PolicySet([policy(t, "scp") for t in level]) for level in texts.scps)
    trusts: dict[str, PolicySet] = {}
    actors: list[Actor] = []
    for arn, kind, attached, own, bound, trust in texts.people:
        held = [pool[n] for n in attached]
        if kind:
            held.append(admin)
        if own is not None:
            held.append(policy(own, f"inline of {arn}"))
        if trust is not None and trust not in trusts:
            trusts[trust] = PolicySet([policy(trust, "trust", named=True)])
        actors.append(
            Actor(
                principal(arn, tags={}),
                Policies(PolicySet(held), boundary=boundaries[bound], scps=scps),
                trusts[trust] if trust is not None else None,
                tuple(p.name for p in held if ":policy/p" in p.name),
            )
        )
    roles = [a.principal.arn for a in actors if a.trust is not None]
    holdings = [
        Holding(kind, f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{what}{n}", roles[(n * 7) % len(roles)])
        for n in range(1000)
        for kind, service, what in (
            ("lambda-function", "lambda", "function:f"),
            ("ec2-instance", "ec2", "instance/i-"),
        )
    ]
    groups = [Group(f"arn:aws:iam::{ACCOUNT}:group/g{n}", PolicySet([pool[n]])) for n in range(50)]
    return Accounts(actors, groups, holdings)


def timed(title: str, work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    made = work()
    spent = time.process_time() - start
    print(f"{title:58} {spent:8.2f} s")
    return made, spent


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--principals", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--chokes", action="store_true", help="find the choke points too")
    given = options.parse_args()
    texts = Texts(given.principals, given.seed)
    attached = sum(len(p[2]) + (p[3] is not None) for p in texts.people)
    print(f"{given.principals} principals, {attached} attachments, {len(texts.managed)} managed policies")

    start = time.process_time()
    masker, universe = timed("load the universe of actions", Masker)
    world, parsing = timed("parse the documents", lambda: build(texts))
    members = [Member(a.principal, a.policies) for a in world.actors]
    population, masking = timed("classes and effective masks", lambda: Population(members, masker))
    whole = time.process_time() - start
    peak = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"compiled, {len(population.classes)} classes (goal 2 s, 500 MB){whole:18.2f} s {peak:6.0f} MB peak"
    )
    del universe, parsing, masking

    target = Resource("arn:aws:s3:::app-7/secret", ACCOUNT)
    found, spent = timed(
        "who-can s3:GetObject on one object (goal 0.5 s)", lambda: population.who_can("s3:GetObject", target)
    )
    sample = random.Random(3).sample(range(len(members)), min(2000, len(members)))
    truth, base = timed(
        f"  baseline: decide, {len(sample)} principals, look-ups made before",
        lambda: {
            n: decide(Request(members[n].principal, "s3:GetObject", target), members[n].policies).outcome
            for n in sample
        },
    )
    whom = dict(found)
    agree = all(
        whom.get(n) == (o if o in (Outcome.ALLOWED, Outcome.DEPENDS) else None) for n, o in truth.items()
    )
    ratio = base / len(sample) * len(members) / spent
    print(f"  {len(found)} may; agrees with the baseline: {agree}; {ratio:.1f} times as fast")

    actions = random.Random(5).sample(masker.universe.texts, 50)
    anything = Resource("*", ACCOUNT)

    def bulk() -> tuple[int, int]:
        made = allowed = 0
        for action in actions:
            for group, outcome in population.outcomes(action, anything):
                made += len(group.members)
                if isinstance(outcome, Outcome):
                    allowed += len(group.members) * (outcome is Outcome.ALLOWED)
                else:
                    allowed += sum(o is Outcome.ALLOWED for o in outcome)
        return made, allowed

    (made, allowed), spent = timed("bulk decisions on 50 actions by classes", bulk)
    print(f"  {made} decisions, {allowed} allowed: {made / spent:,.0f} a second (goal 500,000)")
    pairs = [(members[n], action) for n in sample[:100] for action in actions]
    for member, action in pairs:
        decide(Request(member.principal, action, anything), member.policies)
    _, base = timed(
        f"  baseline: decide on {len(pairs)} of them, statements looked up before",
        lambda: [decide(Request(m.principal, a, anything), m.policies) for m, a in pairs],
    )
    print(
        f"  baseline {len(pairs) / base:,.0f} a second: {made / spent / (len(pairs) / base):.1f} times as fast"
    )

    graph, spent = timed("escalation: graph and all paths (goal 2 s)", lambda: _paths(world, masker))
    paths = graph.paths()
    longest = max((len(p.hops) for p in paths), default=0)
    print(
        f"  {len(graph.admins)} administrators, {len(paths)} others reach it"
        f" ({sum(p.certain for p in paths)} certainly), at most {longest} hops, {graph.edges} edges"
    )
    if given.chokes:
        chokes, _ = timed("choke points", graph.chokes)
        for choke in chokes[:3]:
            print(f"  {choke.principal}: on {choke.passing} paths, cuts off {choke.cut}")
    print(f"peak memory {limits.getrusage(limits.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _paths(world: Accounts, masker: Masker) -> Escalation:
    graph = Escalation(world, None, masker)
    graph.paths()
    return graph


if __name__ == "__main__":
    main()
