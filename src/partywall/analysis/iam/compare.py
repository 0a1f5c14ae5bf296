"""What one policy lets do that another does not: no new access, access not granted, no public access.

IAM User Guide: Validate policies with IAM Access Analyzer custom policy checks. Exact over the language of
actions and resources: the patterns of both policies cut each into classes (automata.py), and the engine's own
matching decides one member of each. Conditions are tried over the values that they tell apart (contexts.py).
The document alone is compared: neither other policies nor block settings.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from partywall.analysis.iam.automata import (
    TooMany,
    arn_tokens,
    classes,
    glob_tokens,
    resource_tokens,
    segment_tokens,
)
from partywall.analysis.iam.context import Context, Values
from partywall.analysis.iam.contexts import contexts
from partywall.analysis.iam.document import Policy, Statement, parse, resource_test
from partywall.analysis.iam.operators import OPERATORS, Condition, holds
from partywall.analysis.iam.patterns import Variable, template
from partywall.analysis.iam.principal import Form, Kind, Principal, principal
from partywall.errors import UserError

_ACTION: Final = segment_tokens("?*:?*:", 3)[:-1]
_ARN: Final = arn_tokens("arn:*:*:*:*:*")
_MAX_CELLS: Final = 5_000_000


class Outcome(enum.StrEnum):
    """What a comparison comes to."""

    NONE = "no new access"
    NEW = "new access"
    UNDECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class Access:
    """One request: `principal` "" for identity policies; `context` key -> values, None for a missing key."""

    action: str
    resource: str
    principal: str = ""
    context: dict[str, Values | None] = field(default_factory=dict["str", "Values | None"])


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome; with NEW an example and the statement that allows it, with UNDECIDED the reason."""

    outcome: Outcome
    access: Access | None = None
    statement: str = ""
    reason: str = ""


Document = str | dict[str, Any]


def no_new_access(old: Document, new: Document, *, principals: bool | None = None) -> Comparison:
    """Whether `new` allows a request that `old` does not. `principals`: they name some, None either."""
    before, after = parse(old, "old", principal=principals), parse(new, "new", principal=principals)
    for policy in (before, after):
        if policy.problems:
            problem = policy.problems[0]
            return Comparison(
                Outcome.UNDECIDED,
                reason=f"the {policy.name} policy cannot be read: {problem.where} {problem.what}".strip(),
            )
    return _compare(before, after, None)


def between(old: Policy, new: Policy) -> Comparison:
    """As `no_new_access`, of documents already read. What cannot be read of them allows nothing here."""
    return _compare(old, new, None)


def access_not_granted(
    policy: Document, actions: Sequence[str] = (), resources: Sequence[str] = ()
) -> Comparison:
    """Whether `policy` allows one of `actions` on one of `resources` (patterns; none of a sort means all)."""
    made = parse(policy, "policy")
    if made.problems:
        return Comparison(Outcome.UNDECIDED, reason=f"the policy cannot be read: {made.problems[0].what}")
    asked = {"Effect": "Allow", "Action": list(actions) or "*", "Resource": list(resources) or "*"}
    probe = parse({"Version": "2012-10-17", "Statement": asked}, "asked", principal=False)
    if probe.problems:
        raise UserError(f"what must not be granted cannot be read: {probe.problems[0].what}")
    return _compare(Policy("old", ()), made, probe.statements[0])


def no_public_access(policy: str, account: str = "") -> tuple[bool | None, list[str]]:
    """(whether a resource policy admits the public, its statements that do); None where that is not known.

    Amazon S3 User Guide: Blocking public access to your Amazon S3 storage, The meaning of "public".
    """
    from partywall.analysis.policy import facts

    found = facts("resource", policy, account)
    if found is None:
        return None, []
    return found["is_public"], list(found["public_statements"] or [])


def _compare(old: Policy, new: Policy, within: Statement | None) -> Comparison:
    before, after = _simpler(old.statements, new.statements)
    filled: dict[str, str] = {}
    exact = [_filled(s, filled) for s in (*before, *after)]
    first = _search(exact[: len(before)], exact[len(before) :], within, filled)
    if not filled or first.outcome is not Outcome.NONE:
        return first
    # One value of each variable shows no new access; all do where the widest reading shows none.
    second = _search(_widest(before, allow=False), _widest(after, allow=True), within, {})
    if second.outcome is Outcome.NONE:
        return second
    keys = ", ".join(sorted(filled))
    return Comparison(Outcome.UNDECIDED, reason=f"the values of policy variables decide: {keys}")


def _signature(s: Statement) -> tuple[object, ...]:
    return (
        s.allow,
        frozenset(s.actions),
        s.not_action,
        frozenset(s.resources) if s.resources is not None else None,
        s.not_resource,
        frozenset(
            (c.name, c.quantifier, c.if_exists, c.lower_key, frozenset(c.values)) for c in s.conditions
        ),
        (s.principal.everyone, frozenset(s.principal.named)) if s.principal else None,
        s.not_principal,
        s.variables,
    )


def _simpler(old: Sequence[Statement], new: Sequence[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Both without what cancels out: what the new policy denies too, and then what both allow alike."""
    denied = {_signature(s) for s in new if not s.allow}
    before = [s for s in old if s.allow or _signature(s) not in denied]
    if any(not s.allow for s in before):
        return before, list(new)
    allowed = {_signature(s) for s in before}
    return before, [s for s in new if not s.allow or _signature(s) not in allowed]


def _filled(s: Statement, filled: dict[str, str]) -> Statement:
    """The statement with one fresh value for each policy variable, noted in `filled`."""

    def fill(text: str) -> str:
        if not s.variables or "${" not in text:
            return text
        return "".join(
            filled.setdefault(part.key, f"partywall{len(filled)}") if isinstance(part, Variable) else part
            for part in template(text)
        )

    return replace(
        s,
        resources=None if s.resources is None else tuple(map(fill, s.resources)),
        conditions=tuple(_plain(c, tuple(map(fill, c.values))) if _fills(c) else c for c in s.conditions),
        variables=False,
    )


def _fills(condition: Condition) -> bool:
    operator = OPERATORS.get(condition.name)
    return condition.variables and operator is not None and operator.variables


def _plain(condition: Condition, values: tuple[str, ...]) -> Condition:
    return replace(condition, values=values, variables=False)


def _has_variable(text: str) -> bool:
    return "${" in text and any(isinstance(part, Variable) for part in template(text))


def _widest(statements: Sequence[Statement], *, allow: bool) -> list[Statement]:
    """For any value of the variables: statements of effect `allow` at their widest, others dropped."""
    made: list[Statement] = []
    for s in statements:
        open_resources = s.variables and any(_has_variable(r) for r in s.resources or ())
        open_ = [c for c in s.conditions if _fills(c) and any(_has_variable(v) for v in c.values)]
        if not open_resources and not open_:
            made.append(_filled(s, {}))
        elif s.allow == allow:
            wide = s.resources
            if open_resources and s.not_resource:
                wide = tuple(r for r in s.resources or () if not _has_variable(r)) or None
            elif open_resources:
                wide = tuple(
                    "".join("*" if isinstance(p, Variable) else p for p in template(r))
                    for r in s.resources or ()
                )
            kept = tuple(c for c in s.conditions if c not in open_)
            made.append(
                _filled(
                    replace(
                        s, resources=wide, not_resource=s.not_resource and wide is not None, conditions=kept
                    ),
                    {},
                )
            )
    return made


def _covers(s: Statement, resource: str) -> bool:
    if s.resources is None:
        return True
    return any(test(resource) for p in s.resources if (test := resource_test(p, False))) != s.not_resource


def _applies(s: Statement, context: Context) -> bool:
    return all(holds(c, context) for c in s.conditions)


def _search(
    old: Sequence[Statement], new: Sequence[Statement], within: Statement | None, filled: dict[str, str]
) -> Comparison:
    if not any(s.allow for s in new):
        return Comparison(Outcome.NONE)
    everything = [*old, *new, *([within] if within else [])]
    try:
        actions = _examples((_ACTION, *(glob_tokens(a) for s in everything for a in s.actions)))
        resources = _examples(
            (_ARN, *(t for s in everything for r in s.resources or () for t in resource_tokens(r)))
        )
    except TooMany:
        return Comparison(Outcome.UNDECIDED, reason="the patterns tell too many actions or resources apart")
    resources.append("*")
    people = _people([*old, *new])
    by_action = _masks(actions, [[s.action_matches(a) for s in everything] for a in actions])
    by_resource = _masks(resources, [[_covers(s, r) for s in everything] for r in resources])
    by_person = [(p, _bits([_names(p, s) for s in everything])) for p in people]
    if len(by_action) * len(by_resource) * len(by_person) > _MAX_CELLS:
        return Comparison(Outcome.UNDECIDED, reason="the policies tell too many requests apart")
    seen: set[tuple[int, int]] = set()
    probe = 1 << (len(everything) - 1) if within else 0
    reason = ""
    for n, (person, named) in enumerate(by_person):
        for amask, action in by_action.items():
            for rmask, resource in by_resource.items():
                mask = amask & rmask & (named | probe)
                if (probe and not mask & probe) or (n, mask) in seen:
                    continue
                seen.add((n, mask))
                mine = [s for i, s in enumerate(everything) if mask >> i & 1 and s is not within]
                found, why = _cell(mine, len(old), everything, person, filled)
                reason = reason or why
                if found is not None:
                    statement, context = found
                    action, resource = _nicer(everything, statement, action, resource)
                    access = Access(action, resource, _label(person), context)
                    return Comparison(Outcome.NEW, access, statement.label)
    return Comparison(Outcome.UNDECIDED, reason=reason) if reason else Comparison(Outcome.NONE)


def _examples(patterns: Iterable[tuple[tuple[str, str], ...]]) -> list[str]:
    """One member of each class within the first pattern."""
    return [each.example for each in classes(list(dict.fromkeys(patterns))) if each.members & 1]


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << n for n, flag in enumerate(flags) if flag)


def _masks(texts: Sequence[str], rows: Sequence[Sequence[bool]]) -> dict[int, str]:
    found: dict[int, str] = {}
    for text, row in zip(texts, rows, strict=True):
        found.setdefault(_bits(row), text)
    return found


def _cell(
    mine: Sequence[Statement],
    boundary: int,
    everything: Sequence[Statement],
    person: Principal | None,
    filled: dict[str, str],
) -> tuple[tuple[Statement, dict[str, Values | None]] | None, str]:
    """A context in which the new statements allow and the old do not, or why that is not known."""
    first = {id(s) for s in everything[:boundary]}
    old, new = [s for s in mine if id(s) in first], [s for s in mine if id(s) not in first]
    allows = [s for s in new if s.allow]
    denies = [s for s in new if not s.allow]
    granted = [s for s in old if s.allow]
    withheld = [s for s in old if not s.allow]
    if not allows or any(not s.conditions for s in denies):
        return None, ""
    if _implied(allows, granted) and _implied(withheld, denies):
        return None, ""
    conditions = [c for s in mine for c in s.conditions]
    fixed: dict[str, Values | None] = {key: (value,) for key, value in filled.items()}
    fixed |= _known(person)
    try:
        tried, why = contexts(conditions, fixed)
    except TooMany:
        return None, "the conditions tell too many requests apart"
    for values in tried:
        context = Context({k: v for k, v in values.items() if v is not None}, complete=True)
        allowing = next((s for s in allows if _applies(s, context)), None)
        if allowing is None or any(_applies(s, context) for s in denies):
            continue
        if any(_applies(s, context) for s in granted) and not any(_applies(s, context) for s in withheld):
            continue
        asked = {c.lower_key for c in conditions} | filled.keys()
        return (allowing, {k: v for k, v in values.items() if k in asked}), ""
    return None, why


def _implied(narrow: Sequence[Statement], wide: Sequence[Statement]) -> bool:
    """Whether each of `narrow` has all conditions of one of `wide`, by the look of them."""
    sets = [frozenset(map(str, s.conditions)) for s in wide]
    return all(any(each <= frozenset(map(str, s.conditions)) for each in sets) for s in narrow)


def _people(statements: Sequence[Statement]) -> list[Principal | None]:
    """One principal of each sort that the Principal elements tell apart; [None] where there are none."""
    elements = [s.principal for s in statements if s.principal is not None]
    if not elements:
        return [None]
    named = {pair for element in elements for pair in element.named}
    texts = sorted(text for _, text in named)
    made: dict[str, Principal] = {}
    accounts: set[str] = set()
    for kind, text in sorted(named):
        if kind == "Service":
            made[text] = Principal(Kind.SERVICE, text)
        elif kind == "Federated":
            made[text] = Principal(Kind.WEB_IDENTITY, provider=text)
        elif kind == "CanonicalUser":
            made[text] = Principal(Kind.CANONICAL, text)
        else:
            try:
                one = principal(text)
            except UserError:
                continue
            made[text] = one
            accounts.add(one.account)
    taken = " ".join(texts)
    other = next(str(n) for n in range(999999999999, 0, -1) if str(n) not in taken)
    for account in sorted({*accounts, other} - {""}):
        made[f"{account} *"] = principal(f"arn:aws:iam::{account}:role/partywall-example")
    return [*made.values(), Principal(Kind.ANONYMOUS), Principal(Kind.SERVICE, "partywall.amazonaws.com")]


def _names(person: Principal | None, s: Statement) -> bool:
    return person is None or s.principal is None or person.form(s) is not Form.NONE


def _known(person: Principal | None) -> dict[str, Values | None]:
    """The keys that follow from who asks; of a stand-in for many only the account."""
    if person is None:
        return {}
    values, missing, _ = person.keys
    if person.arn.endswith("role/partywall-example"):
        return {} if person.account.startswith("99999999") else {"aws:principalaccount": (person.account,)}
    return {**dict.fromkeys(missing), **values}


def _label(person: Principal | None) -> str:
    if person is None:
        return ""
    return person.arn or person.provider or "*"


def _nicer(everything: Sequence[Statement], s: Statement, action: str, resource: str) -> tuple[str, str]:
    """The example with a real action and a speaking resource where the same statements match those."""
    from partywall.analysis.iam.lint import reference

    wanted = [each.action_matches(action) for each in everything]
    named = {each.partition(":")[0] for each in (action, *s.actions)}
    for service in sorted(named & reference.services()):
        for low, name in reference.actions(service).items():
            if [each.action_matches(f"{service}:{low}") for each in everything] == wanted:
                action = f"{service}:{name}"
                break
        else:
            continue
        break
    covered = [_covers(each, resource) for each in everything]
    service = action.partition(":")[0]
    for pattern in (*(s.resources or ()), f"arn:aws:{service}:us-east-1:111122223333:example"):
        text = pattern.replace("*", "example").replace("?", "x")
        if text.startswith("arn:") and [_covers(each, text) for each in everything] == covered:
            return action, text
    return action, resource
