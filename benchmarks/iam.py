"""A made-up account of 10,000 principals: masks, who-can, what-can, bulk decisions, escalation paths.

Every figure has its baseline: one question for each principal and action, by `decide` alone, on a sample that
is scaled up. Times are CPU seconds of one process; each measurement starts with nothing looked up before.

Run: python benchmarks/iam.py [--principals 10000] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import random
import resource as limits
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from partywall.analysis.iam.actions import service_actions
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Policy, parse
from partywall.analysis.iam.escalation import Escalation
from partywall.analysis.iam.escalation_world import Accounts, Actor, Group, Holding
from partywall.analysis.iam.evaluate import Outcome, Policies, PolicySet, Request, Resource, decide
from partywall.analysis.iam.masks import Masker, Member
from partywall.analysis.iam.population import Population
from partywall.analysis.iam.principal import principal
from partywall.analysis.iam.reach import reach
from partywall.analysis.iam.world import Account, Identity, World

ACCOUNT = "111122223333"
NAMES = "s3 dynamodb sqs sns kms logs ec2 ecs rds lambda cloudwatch ssm events states glue athena"
SERVICES = NAMES.split()
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
    return document(*statements)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def inline(number: int) -> str:
    if number % 5 == 0:
        own = f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"
        return document(
            {"Effect": "Allow", "Action": ["iam:GetUser", "iam:CreateAccessKey"], "Resource": own}
        )
    home = f"arn:aws:s3:::home/{number}/*"
    return document({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": home})


class Texts:
    """An account as its documents, made before the clock starts."""

    def __init__(self, count: int, seed: int) -> None:
        rng = random.Random(seed)
        self.managed = [managed(rng, n) for n in range(1500)]
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        self.admin = document(everything)
        some = ["iam:*", "sts:*", "s3:*", "lambda:*", "ec2:*"]
        self.boundaries = [
            self.admin,
            document(everything, {"Effect": "Deny", "Action": "iam:*Boundary*", "Resource": "*"}),
            document(everything, {"Effect": "Deny", "NotAction": some, "Resource": "*"}),
        ]
        never = {
            "Effect": "Deny",
            "Action": ["organizations:LeaveOrganization", "cloudtrail:StopLogging"],
            "Resource": "*",
        }
        abroad = {
            "Effect": "Deny",
            "NotAction": ["iam:*", "sts:*", "organizations:*"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
        }
        self.scps = [[self.admin], [self.admin, document(never, abroad)]]
        self.people: list[tuple[str, str, list[int], str | None, int, str | None]] = []
        for n in range(count):
            is_role = n % 2 == 0
            arn = f"arn:aws:iam::{ACCOUNT}:{'role/app-' if is_role else 'user/u'}{n}"
            attached = rng.sample(range(1500), rng.randint(3, 12) - (n % 3 == 0))
            trusted: dict[str, str] = {"Service": f"{rng.choice(TRUSTED)}.amazonaws.com"}
            if n % 10 == 0:
                trusted = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            trusting = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
            trust = document(trusting) if is_role else None
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


def fresh(texts: Texts) -> list[Member]:
    """The account's principals on documents read anew: nothing of them has been looked up."""
    return [Member(a.principal, a.policies) for a in build(texts).actors]


def scaled(name: str, goal: str, spent: float, base: float) -> None:
    """Prints how a figure compares with its baseline."""
    print(f"  {goal}; baseline {name}: {base:.2f} s, {base / spent:,.1f} times as long")


def compiled(texts: Texts, masker: Masker, loading: float) -> tuple[Accounts, Population]:
    world, parsing = timed("parse the documents", lambda: build(texts))
    members = [Member(a.principal, a.policies) for a in world.actors]
    population, masking = timed("classes and effective masks", lambda: Population(members, masker))
    peak = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss / 1024
    whole = loading + parsing + masking
    print(f"  compiled: {len(population.classes)} classes, {whole:.2f} s, {peak:.0f} MB peak")
    sample, other = random.Random(7).sample(fresh(texts), 5), Resource("*", ACCOUNT)
    start = time.process_time()
    for member in sample:
        for action in masker.universe.texts:
            decide(Request(member.principal, action, other), member.policies)
    base = (time.process_time() - start) / len(sample) * len(members)
    scaled(f"each of {len(masker.universe)} actions decided", "goal 2 s, 500 MB", whole, base)
    return world, population


def one_resource(texts: Texts, masker: Masker) -> None:
    target = Resource("arn:aws:s3:::app-7/secret", ACCOUNT)
    population = Population(fresh(texts), masker)
    found, spent = timed("who-can on one object", lambda: dict(population.who_can("s3:GetObject", target)))
    members = fresh(texts)
    start = time.process_time()
    truth = [decide(Request(m.principal, "s3:GetObject", target), m.policies) for m in members]
    base = time.process_time() - start
    agree = all(found.get(n) == (d.outcome if d.may else None) for n, d in enumerate(truth))
    print(f"  {len(found)} may; agrees with the baseline: {agree}")
    scaled("principal by principal", "goal 0.5 s", spent, base)


def in_bulk(texts: Texts, masker: Masker) -> None:
    """Questions that some are allowed: on services that policies name, half of them on one resource."""
    rng = random.Random(5)
    granted = [n for n in masker.universe.texts if n.partition(":")[0] in (*SERVICES, "iam")]
    asked = [
        (action, Resource("*" if n % 2 else f"arn:aws:{action.partition(':')[0]}:::app-{n}/x", ACCOUNT))
        for n, action in enumerate(rng.sample(granted, 50))
    ]
    region = Context({"aws:RequestedRegion": "eu-west-1"})
    population = Population(fresh(texts), masker)

    def bulk() -> Counter[str]:
        told: Counter[str] = Counter()
        for n, (action, resource) in enumerate(asked):
            for group, outcome in population.outcomes(action, resource, region if n % 3 else None):
                if isinstance(outcome, Outcome):
                    told[outcome] += len(group.members)
                else:
                    told.update(outcome)
        return told

    told, spent = timed("bulk decisions on 50 actions by classes", bulk)
    made = told.total()
    mixed = ", ".join(f"{name} {number:,}" for name, number in told.most_common())
    print(f"  {made:,} decisions, {made / spent:,.0f} a second: {mixed}")
    sample = rng.sample(fresh(texts), 200)
    start = time.process_time()
    for member in sample:
        for n, (action, resource) in enumerate(asked):
            known = region if n % 3 else Context()
            decide(Request(member.principal, action, resource, known), member.policies)
    base = (time.process_time() - start) / len(sample) * len(population.members)
    scaled("principal by principal", "goal 500,000 a second", spent, base)


def one_principal(texts: Texts, masker: Masker) -> None:
    world = World()
    world.assume_no_resource_policy = True
    actors = build(texts).actors
    world.accounts[ACCOUNT] = Account(ACCOUNT, scps=tuple(actors[0].policies.scps))
    for actor in actors:
        own = actor.policies
        world.identities[actor.principal.arn] = Identity(actor.principal, own.identity, own.boundary)
    # The first administrator and one who is none; the reference of actions is read on the way.
    for title, actor in (("an administrator", actors[4]), ("a usual role", actors[6])):
        found, spent = timed(
            f"what-can of {title}, the reference read", lambda who=actor: reach(world, who.principal)
        )
        start = time.process_time()
        for action in masker.universe.texts:
            request = Request(actor.principal, action, world.resource("*", ACCOUNT))
            world.decide(request)
        scaled(
            f"every action on * alone ({len(found)} rows are told)",
            "goal 1 s",
            spent,
            time.process_time() - start,
        )
        service_actions.cache_clear()


def escalation(world: Accounts, masker: Masker, chokes: bool) -> None:
    graph, spent = timed("escalation: graph and all paths", lambda: _paths(world, masker))
    paths = graph.paths()
    longest = max((len(p.hops) for p in paths), default=0)
    print(
        f"  {len(graph.admins)} administrators, {len(paths)} others reach it"
        f" ({sum(p.certain for p in paths)} certainly), at most {longest} hops, {graph.edges} edges"
    )
    # Who may assume which role is the least that any search must know: some principals, every role.
    roles = [a for a in world.actors if a.trust is not None]
    pairs = [(a, r) for a in random.Random(9).sample(world.actors, 20) for r in roles[:250]]
    start = time.process_time()
    for actor, role in pairs:
        asked = Request(actor.principal, "sts:AssumeRole", Resource(role.principal.arn, ACCOUNT))
        decide(asked, replace(actor.policies, resource=role.trust))
    base = (time.process_time() - start) / len(pairs) * len(world.actors) * len(roles)
    scaled("sts:AssumeRole of each principal on each role", "goal 2 s", spent, base)
    if chokes:
        found, _ = timed("choke points", graph.chokes)
        for choke in found[:3]:
            print(f"  {choke.principal}: on {choke.passing} paths, cuts off {choke.cut}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--principals", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--chokes", action="store_true", help="find the choke points too")
    given = options.parse_args()
    texts = Texts(given.principals, given.seed)
    attached = sum(len(p[2]) + (p[3] is not None) for p in texts.people)
    print(f"{given.principals} principals, {attached} attachments, {len(texts.managed)} managed policies")
    masker, loading = timed("load the universe of actions", Masker)
    world, _ = compiled(texts, masker, loading)
    one_resource(texts, masker)
    in_bulk(texts, masker)
    one_principal(texts, masker)
    escalation(world, masker, given.chokes)
    print(f"peak memory {limits.getrusage(limits.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _paths(world: Accounts, masker: Masker) -> Escalation:
    graph = Escalation(world, None, masker)
    graph.paths()
    return graph


if __name__ == "__main__":
    main()
