"""The ARNs beneath a resource that its statements tell apart, one of each kind.

IAM User Guide: JSON policy elements: Resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from partywall.analysis.globs import has_wildcard
from partywall.analysis.iam.automata import TooMany, classes, glob_tokens, literal_tokens, resource_tokens
from partywall.analysis.iam.document import Statement, resource_test
from partywall.analysis.iam.patterns import Variable, glob, template

_STATES = 4_000


def candidates(arn: str, parts: Sequence[str], statements: Iterable[Statement]) -> list[str] | None:
    """ARNs of the resource and of what is beneath it (`parts`: patterns); None: too many to tell apart."""
    listed = sorted({p for s in statements for p in s.resources or ()})
    patterns = [_widened(p) for p in listed]
    usual = [arn, *(_example(p) for p in parts)]
    special = [p for p in patterns if p.strip("*") and p not in (arn, *parts) and p != f"{arn}*"]
    if not special:
        return list(dict.fromkeys(usual))
    simple = [p for p in special if not has_wildcard(p)]
    if len(simple) == len(special):
        inside = [p for p in simple if p == arn or any(glob(part)(p) for part in parts)]
        return list(dict.fromkeys([*usual, *inside]))
    own = [literal_tokens(arn), *(glob_tokens(p) for p in parts)]
    machines = [*own, *(t for p in patterns if p.strip("*") for t in resource_tokens(p))]
    try:
        found = classes(list(dict.fromkeys(machines)), _STATES)
    except TooMany:
        return None
    within = (1 << len(dict.fromkeys(own))) - 1
    made = [each.example for each in found if each.members & within]
    # An example at the edge of a pattern (nothing for its `*`) is no ARN that exists.
    return list(dict.fromkeys([*usual, *made]))


def _widened(pattern: str) -> str:
    """A pattern with wildcards for its variables, so that their place is among the classes."""
    if "${" not in pattern:
        return pattern
    return "".join("*" if isinstance(part, Variable) else part for part in template(pattern))


def _example(pattern: str) -> str:
    return pattern.replace("*", "partywall").replace("?", "0")


def covers(statement: Statement, arn: str) -> bool | None:
    """Whether Resource or NotResource takes in an ARN; None where a variable decides."""
    if statement.resources is None:
        return True
    found: bool | None = False
    for pattern in statement.resources:
        test = resource_test(pattern, statement.variables)
        if test is None:
            wide = resource_test(_widened(pattern), False)
            if wide is not None and wide(arn):
                found = None
        elif test(arn):
            found = True
            break
    return found if not statement.not_resource or found is None else not found
