"""What the Deny statements of a resource policy demand of every request: TLS and encrypted uploads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from partywall.analysis.globs import covers, has_wildcard
from partywall.analysis.grants import Grant
from partywall.analysis.policy_document import Condition, Document, Statement

_EQUALS: Final = frozenset(("bool", "stringequals", "stringequalsignorecase", "stringlike"))
_NOT_EQUALS: Final = frozenset(("stringnotequals", "stringnotequalsignorecase", "stringnotlike"))
_VERSION: Final = re.compile(r"\d(\.\d)?")
_TLS_VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3")
_SSE: Final = "s3:x-amz-server-side-encryption"
_SSE_KEY: Final = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_SSE_VALUES: Final = frozenset(("AES256", "aws:kms", "aws:kms:dsse"))

# Services whose policies take no `service:*`: the actions that carry the data (SNS rejects those outside
# of a topic's own; execute-api has but Invoke for callers).
_DATA_ACTIONS: Final = {"sns": "sns:publish", "execute-api": "execute-api:invoke"}


def transport_facts(document: Document, found: list[Grant]) -> dict[str, Any]:
    """The fields `denies_insecure_transport` … `requires_kms_upload` of `policy_fields`."""
    denies = [s for s in document.denies if s.to_everyone and len(s.conditions) == 1]
    if not denies and not found:
        return dict(_NOTHING)
    insecure = _covered(document, denies, _refuses_plaintext)
    versions = [v for v in _TLS_VERSIONS if _covered(document, denies, _refuses_below(v))]
    uploads = list(_upload_rules(document, denies))
    return {
        "denies_insecure_transport": insecure,
        "requires_tls": insecure or (bool(found) and all(grant.limit.tls for grant in found)),
        "min_tls_version": versions[-1] if versions else "",
        "denies_unencrypted_upload": bool(uploads),
        "requires_kms_upload": any(uploads),
    }


_NOTHING: Final[dict[str, Any]] = {
    "denies_insecure_transport": False,
    "requires_tls": False,
    "min_tls_version": "",
    "denies_unencrypted_upload": False,
    "requires_kms_upload": False,
}


def _covered(document: Document, denies: list[Statement], condition: Callable[[Condition], bool]) -> bool:
    """Whether Deny statements with that one condition cover all actions on all of the resource."""
    matching = [s for s in denies if condition(s.conditions[0]) and not s.resources.negated]
    whole = {p for s in matching if _all_actions(s) for p in s.resources.patterns}
    return bool(whole) and all(
        any(covers(w, need) for w in whole) for need in _whole_resource(document, whole)
    )


def _all_actions(statement: Statement) -> bool:
    if statement.actions.negated:
        return not statement.actions.patterns
    if "*" in statement.actions.patterns:
        return True
    prefixes = {_service(p) for p in statement.resources.patterns}
    # A bare `*` as resource stands for the policy's own resource, whose service the actions name.
    if "" in prefixes:
        prefixes = {a.partition(":")[0] for a in statement.actions.patterns}
    return bool(prefixes) and all(
        statement.actions.covers_pattern(_DATA_ACTIONS.get(service, f"{service}:*")) for service in prefixes
    )


def _service(resource: str) -> str:
    """The service field of an ARN; "" for other texts."""
    fields = resource.split(":", 3)
    return fields[2] if len(fields) == 4 and not has_wildcard(fields[2]) else ""


def _whole_resource(document: Document, seeds: Iterable[str]) -> Iterator[str]:
    """What "all of the resource" takes in: all that is granted, and an S3 bucket with its objects."""
    resources = {r for s in document.allows if not s.resources.negated for r in s.resources.patterns}
    for resource in resources | set(seeds):
        if resource == "*":
            continue
        yield resource
        head, mark, name = resource.partition(":s3:::")
        if mark:
            bucket = name.partition("/")[0]
            yield f"{head}:s3:::{bucket}"
            yield f"{head}:s3:::{bucket}/*"


def _refuses_plaintext(condition: Condition) -> bool:
    if condition.key != "aws:securetransport" or condition.quantifier:
        return False
    lowered = {value.lower() for value in condition.values}
    if condition.operator in _NOT_EQUALS:
        return lowered == {"true"}
    return condition.operator in _EQUALS and "false" in lowered


def _refuses_below(version: str) -> Callable[[Condition], bool]:
    def refuses(condition: Condition) -> bool:
        if condition.key != "s3:tlsversion" or condition.quantifier or len(condition.values) != 1:
            return False
        if not _VERSION.fullmatch(condition.values[0]):
            return False
        bound, lowest = float(condition.values[0]), float(version)
        if condition.operator == "numericlessthan":
            return bound >= lowest
        # All versions below `version` are at most 0.1 less.
        return condition.operator == "numericlessthanequals" and bound >= round(lowest - 0.1, 1)

    return refuses


def _upload_rules(document: Document, denies: list[Statement]) -> Iterator[bool]:
    """For each Deny of uploads without encryption: whether it lets KMS keys through only."""
    buckets = {r for r in _whole_resource(document, ()) if r.endswith("/*") and ":s3:::" in r}
    for statement in denies:
        if not statement.actions.covers_pattern("s3:putobject"):
            continue
        objects = {
            r
            for r in _whole_resource(document, statement.resources.patterns)
            if r.endswith("/*") and ":s3:::" in r
        }
        if statement.resources.patterns != ("*",) and not (objects | buckets):
            continue
        if not all(statement.resources.covers_pattern(r) for r in objects | buckets):
            continue
        condition = statement.conditions[0]
        if condition.quantifier or condition.variables:
            continue
        if condition.operator == "null" and tuple(map(str.lower, condition.values)) == ("true",):
            if condition.key in (_SSE, _SSE_KEY):
                yield condition.key == _SSE_KEY
        elif condition.operator in _NOT_EQUALS and condition.values:
            if condition.key == _SSE_KEY and "*" not in condition.values:
                yield True
            elif condition.key == _SSE and _SSE_VALUES.issuperset(condition.values):
                yield "AES256" not in condition.values
