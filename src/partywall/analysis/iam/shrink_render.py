"""Statements back to JSON, packed into documents within IAM's limits, and shown as files of deployment tools.

IAM User Guide: IAM and AWS STS quotas (white space does not count against them); Policy variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from partywall.analysis.iam.actions import find
from partywall.analysis.iam.document import Statement
from partywall.errors import UserError

Holder = Literal["managed", "user", "role", "group"]
LIMITS: Final[dict[Holder, int]] = {"managed": 6144, "user": 2048, "group": 5120, "role": 10240}
"""Characters of a managed policy; of all inline policies of a user, group or role together."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement to be: what it keeps of `source`, the statement that it narrows."""

    source: Statement
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def json(self) -> Json:
        """The statement as an element of a document of Version 2012-10-17."""
        s = self.source
        made: Json = {"Effect": "Allow" if s.allow else "Deny"}
        if not s.allow and re.fullmatch("[A-Za-z0-9]+", s.sid):
            made["Sid"] = s.sid
        made["NotAction" if s.not_action and self.actions == s.actions else "Action"] = _one(
            sorted(map(action_name, self.actions), key=str.lower)
        )
        as_was = self.resources == s.resources
        texts = [_literal(r) if as_was and not s.variables else r for r in self.resources]
        made["NotResource" if s.not_resource and self.resources == s.resources else "Resource"] = _one(texts)
        condition: dict[str, dict[str, Any]] = {}
        for c in s.conditions:
            values = [_literal(v) if not s.variables else v for v in c.values]
            condition.setdefault(c.operator, {})[c.key] = _one(values)
        if condition:
            made["Condition"] = condition
        return made


def action_name(pattern: str) -> str:
    """An action as AWS writes it, a pattern as it is."""
    found = find(pattern) if "*" not in pattern and "?" not in pattern else None
    return found.name if found else pattern


def escaped(arn: str) -> str:
    """An ARN as a Resource that matches it alone: its wildcards stand for themselves."""
    return re.sub(r"[*?]|\$(?=\{)", lambda m: f"${{{m.group()}}}", arn)


def _literal(text: str) -> str:
    """Text of a document of 2008-10-17, which knows no variables."""
    return text.replace("${", "${$}{")


def _one(items: Sequence[str]) -> Any:
    return items[0] if len(items) == 1 else list(items)


def size(document: Json) -> int:
    """The characters that count, others than ASCII as the escapes that a policy may hold."""
    return len(json.dumps(document, separators=(",", ":")))


def document(statements: Iterable[Json]) -> Json:
    """A document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def pack(pieces: Sequence[Piece], limit: int) -> list[list[Piece]]:
    """The pieces in as few documents as first-fit finds, none longer than `limit`.

    A piece that is too long is cut into several that say the same together. Raises UserError for one that
    cannot be cut.
    """
    empty = size(document(()))
    waiting = [part for piece in pieces for part in _cut(piece, limit - empty)]
    bins: list[tuple[int, list[Piece]]] = []
    for piece in sorted(waiting, key=lambda p: p.source.allow):
        length = size(piece.json()) + 1
        for n, (used, members) in enumerate(bins):
            if used + length <= limit:
                members.append(piece)
                bins[n] = (used + length, members)
                break
        else:
            bins.append((empty + length, [piece]))
    return [members for _, members in bins]


def _cut(piece: Piece, limit: int) -> list[Piece]:
    if size(piece.json()) < limit:
        return [piece]
    s = piece.source
    by_action = not (s.not_action and piece.actions == s.actions) and len(piece.actions) > 1
    by_resource = not (s.not_resource and piece.resources == s.resources) and len(piece.resources) > 1
    if not by_action and not by_resource:
        raise UserError(
            f"the statement {s.label} alone is longer than IAM takes ({limit} characters) and cannot be cut:"
            " write its conditions shorter first"
        )
    if by_action and (not by_resource or len(str(piece.actions)) >= len(str(piece.resources))):
        half = len(piece.actions) // 2
        parts = [Piece(s, part, piece.resources) for part in (piece.actions[:half], piece.actions[half:])]
    else:
        half = len(piece.resources) // 2
        parts = [Piece(s, piece.actions, part) for part in (piece.resources[:half], piece.resources[half:])]
    return [made for part in parts for made in _cut(part, limit)]


def cloudformation(documents: Sequence[Json], kind: str, name: str) -> Json:
    """A template with a managed policy for each document, attached to the user or role."""
    target = {"user": "Users", "role": "Roles"}.get(kind)
    resources: Json = {}
    for number, each in enumerate(documents, 1):
        properties: Json = {
            "Description": f"What {kind} {name} used, part {number} of {len(documents)}",
            # Within templates "${" is text but for Fn::Sub, so that policy variables stay as they are.
            "PolicyDocument": each,
        }
        if target:
            properties[target] = [name]
        resources[f"LeastPrivilege{number}"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def terraform(documents: Sequence[Json], kind: str, name: str) -> Json:
    """Terraform's JSON syntax: policies and their attachments. ("${" and "%{" are doubled, as it wants.)"""
    label = re.sub(r"[^A-Za-z0-9_]", "_", name)
    label = label if label[:1].isalpha() else f"_{label}"
    policies: Json = {}
    attachments: Json = {}
    for number, each in enumerate(documents, 1):
        text = json.dumps(each, separators=(",", ":"))
        key = f"{label}_{number}"
        policies[key] = {
            "name": f"{name}-least-privilege-{number}",
            "policy": text.replace("${", "$${").replace("%{", "%%{"),
        }
        attachments[key] = {kind: name, "policy_arn": f"${{aws_iam_policy.{key}.arn}}"}
    resource: Json = {"aws_iam_policy": policies}
    if kind in ("user", "role"):
        resource[f"aws_iam_{kind}_policy_attachment"] = attachments
    return {"resource": resource}
