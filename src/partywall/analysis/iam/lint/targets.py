"""Actions and resources: do they exist, are their ARNs of the right form, does one make another idle.

IAM User Guide: IAM JSON policy elements: Action; Resource; Amazon Resource Names. Service Authorization
Reference.
"""

from __future__ import annotations

import re
from typing import Final

from partywall.analysis.globs import covers, has_wildcard, overlaps
from partywall.analysis.iam.lint import reference
from partywall.analysis.iam.lint.codes import PolicyType
from partywall.analysis.iam.lint.document import Run, Statement, entries
from partywall.analysis.iam.lint.positions import Node

_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_WILD: Final = re.compile(r"[*?]")
_MOST_COMPARED: Final = 200_000
_NEVER_ACCOUNT: Final = ("", "aws", "aws-managed", "third-party", "cloudfront", "amazon")


def check(run: Run, statements: list[Statement]) -> None:
    """Notes what is wrong with actions and resources."""
    for s in statements:
        for node, path in _texts(s.action, f"{s.path}.{'NotAction' if s.not_action else 'Action'}"):
            _action(run, node, path)
        if run.type is not PolicyType.TRUST:
            for node, path in _texts(
                s.resource, f"{s.path}.{'NotResource' if s.not_resource else 'Resource'}"
            ):
                _resource(run, node, path)
        _redundant(run, s.action, f"{s.path}.Action", "ACTION", "action")
        _redundant(run, s.resource, f"{s.path}.Resource", "RESOURCE", "resource")
    _redundant_statements(run, statements)


def _texts(node: Node | None, path: str) -> list[tuple[Node, str]]:
    return [(n, p) for n, p in entries(node, path) if n.kind == "string"] if node is not None else []


def _action(run: Run, node: Node, path: str) -> None:
    text = node.text
    if text == "*" or "${" in text:
        return
    service, colon, name = text.partition(":")
    if not colon or not name or ":" in name:
        run.add("INVALID_ACTION", node, path, f"{text!r} is not of the form service:action.")
        return
    if has_wildcard(service):
        if text != "*:*":
            run.add("WILDCARD_IN_SERVICE_NAME", node, path, f"{service!r} means services that nobody listed.")
        return
    if service.lower() not in reference.services():
        near = _near(run, service.lower(), reference.services())
        hint = f" Is {near} meant?" if near else ""
        run.add("INVALID_SERVICE_IN_ACTION", node, path, f"No service has the prefix {service!r}.{hint}")
    elif not reference.is_action(service.lower(), name.lower()):
        known = reference.actions(service.lower())
        near = "" if has_wildcard(name) else known.get(_near(run, name.lower(), known), "")
        hint = f" Is {near} meant?" if near else ""
        run.add("INVALID_ACTION", node, path, f"{service} has no action {name!r}.{hint}")


def _near(run: Run, text: str, names: frozenset[str] | dict[str, str]) -> str:
    run.hints -= 1
    return reference.nearest(text, names) if run.hints >= 0 and len(text) <= 128 else ""


def _resource(run: Run, node: Node, path: str) -> None:
    text = _VARIABLE.sub("*", node.text)
    if text.strip("*") == "":
        return
    parts = text.split(":", 5)
    if not overlaps(parts[0], "arn") or (
        has_wildcard(parts[0]) and len(parts) == 1 and not overlaps(text, "arn:*")
    ):
        run.add("INVALID_ARN_PREFIX", node, path, f"{node.text!r} is no ARN: it does not begin with arn:.")
        return
    if len(parts) < 6:
        if not text.endswith("*"):
            run.add(
                "MISSING_ARN_FIELD",
                node,
                path,
                f"{node.text!r} has {len(parts)} of an ARN's six fields"
                " (arn:partition:service:region:account:resource).",
            )
        return
    _, partition, service, region, account, resource = parts
    from partywall.aws.partitions import partitions, regions_of

    if not any(overlaps(partition, known) for known in partitions()):
        run.add(
            "INVALID_PARTITION",
            node,
            path,
            f"{partition!r} is no partition such as aws, aws-cn or aws-us-gov.",
        )
    if service != service.lower() and reference.arns(service.lower()):
        run.add(
            "INVALID_ARN_SERVICE_CASE", node, path, f"The service is written {service.lower()!r} in ARNs."
        )
        return
    wild = has_wildcard(account)
    if (
        not (wild and _may_be_account(account))
        and account not in _NEVER_ACCOUNT
        and not re.fullmatch(r"\d{12}", account)
    ):
        run.add("INVALID_ARN_ACCOUNT", node, path, f"{account!r} is no account: an account id has 12 digits.")
        return
    known = reference.arns(service)
    if not known or has_wildcard(service):
        return
    matching = [p for p in (k.split(":", 5) for k in known) if overlaps(p[5], resource)]
    if not matching:
        run.add("INVALID_ARN_RESOURCE", node, path, f"{service} has no resources of the form {resource!r}.")
        return
    if region and region != "*" and not any(p[3] for p in matching):
        run.add("ARN_REGION_NOT_ALLOWED", node, path, "ARNs of this resource leave the Region empty.")
    elif not region and all(p[3] for p in matching):
        run.add("MISSING_ARN_REGION", node, path, "ARNs of this resource name a Region; * stands for all.")
    elif region and not any(overlaps(region, r) for p in partitions() for r in regions_of(p)):
        run.add("INVALID_ARN_REGION", node, path, f"No Region is called {region!r}.")
    if account and account != "*" and not any(p[4] for p in matching):
        run.add("ARN_ACCOUNT_NOT_ALLOWED", node, path, "ARNs of this resource leave the account empty.")


def _may_be_account(pattern: str) -> bool:
    from partywall.analysis.iam.patterns import glob

    if re.search(r"[^0-9*?]", pattern):
        return any(glob(pattern)(name) for name in _NEVER_ACCOUNT)
    fixed = len(pattern.replace("*", ""))
    return fixed <= 12 if "*" in pattern else fixed == 12


def _redundant(run: Run, node: Node | None, path: str, code: str, what: str) -> None:
    if node is None or node.kind != "array":
        return
    fold = code == "ACTION"
    texts = [
        (i, n, n.text.lower() if fold else n.text) for i, n in enumerate(node.items) if n.kind == "string"
    ]
    first: dict[str, int] = {}
    begin: dict[str, int] = {}
    wide: dict[str, list[tuple[int, str]]] = {}
    for index, _, text in texts:
        if first.setdefault(text, index) == index and has_wildcard(text):
            head = text.removesuffix("*")
            if head and not has_wildcard(head) and (fold or head.count(":") >= 5):
                begin[head] = index
            else:
                wide.setdefault(_bucket(text, fold), []).append((index, text))
    compared = 0
    for index, mine, text in texts:
        found = [first[text]] if first[text] < index else []
        head = _WILD.split(text, maxsplit=1)[0]
        found += [
            n for end in range(len(head) + 1) if (n := begin.get(head[:end])) is not None and n != first[text]
        ]
        if not found:
            # Only a pattern of the same service, or of no one service, can take it in.
            bucket = _bucket(text, fold)
            near = [*wide.get("", ()), *(wide.get(bucket, ()) if bucket else ())]
            compared += len(near)
            # A suggestion is not worth minutes.
            if compared <= _MOST_COMPARED:
                found = [n for n, p in near if n != first[text] and _covers(p, text, fold)]
        if found:
            run.add(
                f"REDUNDANT_{code}",
                mine,
                f"{path}[{index}]",
                f"{node.items[min(found)].text!r} takes in the {what} {mine.text!r} already.",
            )


def _bucket(text: str, fold: bool) -> str:
    """The service that an action or ARN is of; "" where it is not of just one."""
    parts = text.split(":", 3)
    service = parts[0] if fold else parts[2] if len(parts) > 2 else ""
    return "" if has_wildcard(service) or len(parts) < (2 if fold else 3) else service


def _covers(pattern: str, text: str, fold: bool) -> bool:
    if fold or pattern in ("*", text):
        return covers(pattern, text)
    # ARNs are compared segment by segment.
    mine, theirs = pattern.split(":", 5), text.split(":", 5)
    return len(mine) == len(theirs) == 6 and all(map(covers, mine, theirs))


def _redundant_statements(run: Run, statements: list[Statement]) -> None:
    seen: dict[str, str] = {}
    for s in statements:
        if any(n.kind == "unknown" for n in s.node.walk()):
            continue
        body = {key.text: value.plain() for key, value in s.node.members if key.text != "Sid"}
        text = repr(sorted((k, _sorted(v)) for k, v in body.items()))
        if text in seen:
            run.add("REDUNDANT_STATEMENT", s.node, s.path, f"{seen[text]} says the same already.")
        seen.setdefault(text, s.path)


def _sorted(value: object) -> str:
    if isinstance(value, list):
        return repr(sorted(repr(item) for item in value))  # pyright: ignore[reportUnknownVariableType]
    return repr([repr(value)]) if not isinstance(value, dict) else repr(sorted(map(repr, value.items())))  # pyright: ignore[reportUnknownArgumentType]
