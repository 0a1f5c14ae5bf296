"""Least privilege: the policy that allows what a principal used of what it may do, and nothing beyond.

Each statement of the new policy narrows one of the old, all Deny statements stay, and the engine proves both
halves: no request is allowed that was not (`compare`), and every call that was seen still is (`evaluate`).
IAM User Guide: Prepare for least-privilege permissions; Policy generation by IAM Access Analyzer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from partywall.analysis.globs import covers
from partywall.analysis.iam.compare import Outcome as Compared
from partywall.analysis.iam.compare import between
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Policy, Statement, parse
from partywall.analysis.iam.evaluate import Layer, Outcome, Policies, decide
from partywall.analysis.iam.patterns import Variable, template
from partywall.analysis.iam.principal import Kind, Principal
from partywall.analysis.iam.request import Request, Resource
from partywall.analysis.iam.rules import PolicySet, Rule
from partywall.analysis.iam.shrink_evidence import Evidence, Verdicts, require, verdicts
from partywall.analysis.iam.shrink_render import LIMITS, Holder, Piece, document, escaped, pack
from partywall.analysis.iam.universe import Universe, actions
from partywall.analysis.iam.usage import Use
from partywall.analysis.iam.world import World
from partywall.errors import UserError

# More resources of one action than these are told by a pattern, where the old policy has room for it.
_MOST_RESOURCES: Final = 20


@dataclass(slots=True)
class Shrunk:
    """A replacement for a principal's identity policies, and what it takes away."""

    arn: str
    documents: list[dict[str, Any]]
    granted: set[str]
    """Actions (in lower case) that the old policies allow on some resource."""
    verdicts: Verdicts
    narrowed: list[str] = field(default_factory=list[str])
    """Actions that stay, on fewer resources."""
    notes: list[str] = field(default_factory=list[str])


def shrink(world: World, who: Principal, evidence: Evidence, holder: Holder = "managed") -> Shrunk:
    """The policies that take the place of all identity policies of a user or role, those of groups included.

    Raises UserError where the evidence or what was read of the policies does not suffice.
    """
    identity = world.identity(who)
    if identity is None or who.kind not in (Kind.USER, Kind.ROLE, Kind.ROLE_SESSION):
        raise UserError(f"{who.arn or '*'} is no user or role of this scan: give the ARN or name of one")
    arn = identity.principal.arn
    if Layer.IDENTITY in identity.unread or identity.policies is None:
        raise UserError(
            f"not all identity policies of {arn} could be read: scan with permission to read them"
        )
    return replacement(arn, identity.principal, identity.policies, evidence, holder, identity.groups)


def replacement(
    arn: str,
    who: Principal,
    old: PolicySet,
    evidence: Evidence,
    holder: Holder = "managed",
    groups: Sequence[str] = (),
) -> Shrunk:
    """As `shrink`, of policies given."""
    statements = [s for policy in old.policies for s in policy.statements]
    if unreadable := next((s for s in statements if s.broken and not s.allow), None):
        raise UserError(f"{unreadable.label} of {arn} cannot be read ({unreadable.broken}): mend it first")
    universe = actions()
    allows = [s for s in statements if s.allow and not s.broken]
    expanded = {s.key: _expand(s, universe) for s in allows}
    granted = {name for names in expanded.values() for name in names}
    found = verdicts(sorted(granted), evidence)
    require(arn, found, evidence)
    result = Shrunk(arn, [], granted, found)
    context = Request(who, "sts:GetCallerIdentity", Resource("*", who.account), Context()).full_context
    pieces = _merged(
        piece
        for s in allows
        for piece in _pieces(s, expanded[s.key], found, evidence, context, universe, result)
    )
    denies = {_signature(s): Piece(s, s.actions, s.resources or ("*",)) for s in statements if not s.allow}
    bins = pack([*denies.values(), *pieces], LIMITS[holder]) if pieces else []
    if holder != "managed" and len(bins) > 1:
        raise UserError(
            f"inline policies of a {holder} hold {LIMITS[holder]} characters at most, and this takes more:"
            " leave --inline out, for managed policies"
        )
    result.documents = [document(p.json() for p in members) for members in bins]
    if len(bins) > 10:
        result.notes.append(
            f"{len(bins)} managed policies: IAM lets one principal have 10, more by a quota increase"
        )
    if groups:
        result.notes.append(f"takes effect once the user leaves the groups {', '.join(groups)}")
    if any(s.broken for s in statements):
        result.notes.append("statements that cannot be read allow nothing, and are left out")
    _prove(arn, who, old, [p for members in bins for p in members], result, evidence)
    return result


def _expand(s: Statement, universe: Universe) -> set[str]:
    """The actions that an Allow takes in, those that only the policy knows by name included."""
    mask = 0
    unknown: set[str] = set()
    for pattern in s.actions:
        matched = universe.match(pattern)
        mask |= matched
        if not matched and ":" in pattern:
            unknown.add(pattern)
    if s.not_action:
        return set(universe.names(universe.all & ~mask))
    return set(universe.names(mask)) | unknown


def _pieces(
    s: Statement,
    names: set[str],
    found: Verdicts,
    evidence: Evidence,
    context: Context,
    universe: Universe,
    result: Shrunk,
) -> Iterable[Piece]:
    """What stays of one Allow statement: groups of actions on the same resources."""
    groups: dict[tuple[str, ...], set[str]] = {}
    everything = s.resources or ("*",)
    rule = Rule(s)
    for name in sorted(names & found.kept):
        resources: tuple[str, ...] | None = everything
        use = evidence.usage.uses.get(name) if evidence.usage is not None else None
        if name in found.by_events and use is not None:
            resources = _resources(rule, use, context)
            if resources is None:
                continue
            if resources != everything:
                result.narrowed.append(name)
        groups.setdefault(resources, set()).add(name)
    for resources, members in groups.items():
        if s.not_action and members == names:
            yield Piece(s, s.actions, resources)
        else:
            yield Piece(s, _condensed(s, members, universe), resources)


def _resources(rule: Rule, use: Use, context: Context) -> tuple[str, ...] | None:
    """The resources of a statement that a use needs; None where it needs none of them."""
    s = rule.statement
    everything = s.resources or ("*",)
    if use.unknown or not use.resources:
        return everything
    taken: list[str] = []
    for arn in use.resources:
        covered = rule.covers(arn, context)
        if covered is None:
            # A variable decides: the pattern stays as it is.
            return everything
        if covered:
            taken.append(arn)
    if not taken:
        return None
    if "*" in taken:
        return everything if s.not_resource else ("*",)
    # What a variable fills says more than the one value that was seen.
    if s.variables and any("${" in r for r in everything):
        return everything
    if len(taken) <= _MOST_RESOURCES:
        return tuple(sorted(map(escaped, taken)))
    made = tuple(sorted(_patterns(taken)))
    within = all(any(_covers(r, pattern) for r in everything) for pattern in made)
    return made if within and not s.not_resource else everything


def _patterns(arns: Sequence[str]) -> set[str]:
    """Patterns for many ARNs: the objects of a bucket, else what all of one type begin with."""
    groups: dict[str, list[str]] = {}
    for arn in arns:
        head = arn.split(":", 5)
        last = head[5] if len(head) == 6 else ""
        groups.setdefault(":".join([*head[:5], last.partition("/")[0]]), []).append(arn)
    made: set[str] = set()
    for members in groups.values():
        if len(members) == 1:
            made.add(escaped(members[0]))
            continue
        least, most = min(members), max(members)
        same = next((n for n, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least))
        cut = max(least.rfind("/", 0, same), least.rfind(":", 0, same)) + 1
        made.add(f"{escaped(least[:cut])}*")
    return made


def _covers(pattern: str, narrower: str) -> bool:
    """Whether a Resource pattern takes in all that another does, segment by segment."""
    if pattern == "*":
        return True
    mine, theirs = pattern.split(":", 5), narrower.split(":", 5)
    return len(mine) == len(theirs) == 6 and all(map(covers, mine, theirs))


def _condensed(s: Statement, members: set[str], universe: Universe) -> tuple[str, ...]:
    """The actions, by the statement's own patterns where these stay whole."""
    left = set(members)
    made: list[str] = []
    if not s.not_action:
        for pattern in s.actions:
            matched = set(universe.names(universe.match(pattern)))
            if matched and matched <= members and ("*" in pattern or "?" in pattern):
                made.append(pattern)
                left -= matched
    return (*dict.fromkeys(made), *sorted(left))


def _signature(s: Statement) -> tuple[object, ...]:
    conditions = frozenset((c.operator, c.key, c.values) for c in s.conditions)
    return (s.actions, s.not_action, s.resources, s.not_resource, conditions, s.variables)


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces on the same resources under the same conditions as one."""
    groups: dict[tuple[object, ...], Piece] = {}
    taken: dict[tuple[object, ...], set[str]] = {}
    for piece in pieces:
        s = piece.source
        excluded = s.not_action and piece.actions == s.actions
        conditions = frozenset((c.operator, c.key, c.values) for c in s.conditions)
        inverse = s.not_resource and piece.resources == s.resources
        key = (piece.resources, inverse, conditions, s.variables, piece.actions if excluded else None)
        if excluded:
            groups[key] = piece
            continue
        # Of several statements each keeps its own, so that it is proven against it; none says it twice.
        told = taken.setdefault(key, set())
        left = tuple(a for a in piece.actions if a not in told)
        told.update(left)
        if left:
            groups[(*key, s.key)] = Piece(s, left, piece.resources)
    return list(groups.values())


def _bare(piece: Piece, made: Policy) -> tuple[Policy, Policy]:
    """Source and statement without what both have alike: the rest decides."""
    source, new = piece.source, made.statements[0]
    if source.variables and _signature(source)[4] == _signature(new)[4]:
        source, new = replace(source, conditions=()), replace(new, conditions=())
    if source.variables and source.resources == new.resources and source.not_resource == new.not_resource:
        source, new = (replace(s, resources=("*",), not_resource=False) for s in (source, new))
    elif not source.not_resource:
        # Within the patterns without variables is within all of them.
        fixed = tuple(
            r for r in source.resources or () if not any(isinstance(p, Variable) for p in template(r))
        )
        source = replace(source, resources=fixed) if fixed and source.variables else source
    return Policy("old", (source,)), Policy("new", (new,))


def _prove(
    arn: str, who: Principal, old: PolicySet, pieces: Sequence[Piece], result: Shrunk, evidence: Evidence
) -> None:
    """Holds the documents to both promises by the engine; raises UserError where one is not proven."""
    for n, piece in enumerate(pieces):
        made = parse(document([piece.json()]), f"new {n}", principal=False)
        if made.problems:
            raise UserError(f"a statement made for {arn} cannot be read: {made.problems[0].what}")
        if not piece.source.allow:
            continue
        compared = between(*_bare(piece, made))
        if compared.outcome is not Compared.NONE:
            why = compared.reason or f"{compared.access}"
            raise UserError(f"that the policy for {arn} allows nothing new could not be proven: {why}")
    new = PolicySet(parse(d, "new", principal=False) for d in result.documents)
    before, after = Policies(identity=old), Policies(identity=new)
    for use in evidence.usage.uses.values() if evidence.usage is not None else ():
        outside = 0
        for resource in use.resources:
            request = Request(who, use.action, Resource(resource, who.account), Context())
            then, now = decide(request, before).outcome, decide(request, after).outcome
            if then in (Outcome.IMPLICITLY_DENIED, Outcome.EXPLICITLY_DENIED):
                outside += 1
            elif now is not then:
                raise UserError(
                    f"the policy made for {arn} does not allow {use.action} on {resource} as before"
                )
        if outside:
            result.notes.append(
                f"{use.action} was used on {outside} resources where the identity policies do not allow it:"
                " a resource's policy does, or they were changed since"
            )
