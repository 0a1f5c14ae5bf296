"""Whether a resource policy refuses plaintext: a Deny of all actions to everyone, on all of the resource.

Amazon S3 User Guide, Security best practices (Enforce encryption of data in transit). Callers whose own
policies allow them need no Allow here, so that only a Deny tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from partywall.analysis.globs import covers, has_wildcard
from partywall.analysis.iam.context import Context
from partywall.analysis.iam.document import Policy, Statement
from partywall.analysis.iam.operators import holds

# Services whose policies take no `service:*`: the actions that carry the data (SNS rejects those outside
# of a topic's own; execute-api has but Invoke for callers).
_DATA_ACTIONS: Final = {"sns": "sns:publish", "execute-api": "execute-api:invoke"}
_PLAINTEXT: Final = Context({"aws:securetransport": ("false",)})


def denies_insecure_transport(policy: Policy) -> bool:
    """Whether each request without TLS is denied, whoever makes it and whatever else it carries."""
    whole = {
        resource
        for s in policy.statements
        if not s.allow and _refuses(s) and _all_actions(s)
        for resource in s.resources or ("*",)
    }
    return bool(whole) and all(any(covers(w, need) for w in whole) for need in _whole_resource(policy, whole))


def _refuses(statement: Statement) -> bool:
    """A Deny to everyone that a request without TLS meets for certain, and others do not."""
    everyone = statement.principal is not None and statement.principal.everyone
    if statement.broken or not everyone or statement.not_principal or statement.not_resource:
        return False
    return all(holds(c, _PLAINTEXT) for c in statement.conditions)


def _all_actions(statement: Statement) -> bool:
    if statement.not_action:
        return not statement.actions
    if any(a.strip("*") in ("", ":") for a in statement.actions):
        return True
    prefixes = {_service(r) for r in statement.resources or ("*",)}
    # A bare `*` as resource stands for the policy's own resource, whose service the actions name.
    if "" in prefixes:
        prefixes = {a.partition(":")[0] for a in statement.actions}
    return bool(prefixes) and all(
        any(covers(a, _DATA_ACTIONS.get(service, f"{service}:*")) for a in statement.actions)
        for service in prefixes
    )


def _service(resource: str) -> str:
    """The service field of an ARN; "" for other texts."""
    fields = resource.split(":", 3)
    return fields[2] if len(fields) == 4 and not has_wildcard(fields[2]) else ""


def _whole_resource(policy: Policy, seeds: Iterable[str]) -> Iterator[str]:
    """What "all of the resource" takes in: all that is granted, and an S3 bucket with its objects."""
    granted = {r for s in policy.statements if s.allow and not s.not_resource for r in s.resources or ()}
    for resource in granted | set(seeds):
        if resource == "*":
            continue
        yield resource
        head, mark, name = resource.partition(":s3:::")
        if mark:
            bucket = name.partition("/")[0]
            yield f"{head}:s3:::{bucket}"
            yield f"{head}:s3:::{bucket}/*"
