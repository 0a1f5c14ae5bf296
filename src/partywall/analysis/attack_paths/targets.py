"""What would hurt: classified data, secrets, the keys of such data, backups; and who may touch each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from partywall.analysis.attack_paths.parts import CERTAIN, POSSIBLE, UNKNOWN, Call, Factor, Model, Target
from partywall.analysis.iam.evaluate import Decision, Layer, Request
from partywall.analysis.iam.masks import Masker
from partywall.analysis.iam.principal import Principal
from partywall.analysis.iam.world import World

Row = Mapping[str, Any]
_GRANTING: Final = (Layer.IDENTITY, Layer.RESOURCE)
KEY_COLUMNS: Final[Mapping[str, str]] = {
    "s3_bucket": "sse_kms_key",
    "dynamodb_table": "kms_key_arn",
    "rds_instance": "kms_key_id",
    "rds_cluster": "kms_key_id",
    "secretsmanager_secret": "kms_key_id",
    "backup_vault": "encryption_key_arn",
}
"""Table -> the column that names the KMS key of a row."""


@dataclass(frozen=True, slots=True)
class Access:
    """That a principal may do what would hurt: by which action, how surely, by which statements."""

    principal: str
    action: str
    certainty: str
    statements: tuple[str, ...]


def targets(
    rows: Mapping[str, Sequence[Row]], weights: Model, failures: Callable[[str, Row], Sequence[Call]]
) -> list[Target]:
    """The targets among the rows of the tables that the model names, keys of classified data among them.

    `failures` tells the failed calls of a table's row.
    """
    found: list[Target] = []
    lacking = {row["arn"]: failures("kms_key", row) for row in rows.get("kms_key", ())}
    keys: dict[str, str] = {}
    for told in weights.data["targets"]:
        if told.get("of_classified"):
            continue
        for row in rows.get(told["table"], ()):
            sensitive = weights.tagged(row["tags"], "classified")
            if row["arn"] is None or not (told.get("always") or sensitive):
                continue
            target = _target(told, row, weights, sensitive)
            failed = (*failures(told["table"], row), *lacking.get(target.key_arn, ()))
            target = replace(target, failed=failed) if failed else target
            found.append(target)
            if sensitive and target.key_arn:
                keys.setdefault(target.key_arn, target.name)
    for told in weights.data["targets"]:
        if told.get("of_classified"):
            found += (
                replace(key, failed=tuple(lacking.get(key.arn, ())))
                for key in _keys(told, rows.get(told["table"], ()), weights, keys)
            )
    return found


def admin_target(account: str, name: str, partition: str, tags: bool, holds: int, weights: Model) -> Target:
    """Administrator rights over an account. `tags`: it is production; `holds`: how many classified things."""
    factors = [Factor("administrator", "everything in the account", damage=weights.data["admin_damage"])]
    if tags:
        factors.append(weights.factor("production"))
    if holds:
        factors.append(weights.factor("holds-classified", f"{holds} classified resources are in it"))
    arn = f"arn:{partition}:iam::{account}:root"
    return Target("admin", "account", account, "global", arn, name, {}, "administer",
                  tuple(factors), {})  # fmt: skip


def _target(told: Mapping[str, Any], row: Row, weights: Model, sensitive: bool | None) -> Target:
    factors = [Factor(told["kind"], f"{told['kind'].replace('-', ' ')} is lost", damage=told["damage"])]
    if sensitive:
        factors.append(weights.factor("classified"))
    if weights.tagged(row["tags"], "production"):
        factors.append(weights.factor("production"))
    if row.get("recovery_points"):
        factors.append(
            weights.factor("recovery-points", f"{row['recovery_points']} recovery points are in it")
        )
    key = row.get(KEY_COLUMNS.get(told["table"], ""), "") or ""
    actions = {action: on.format(arn=row["arn"]) for action, on in told["actions"].items()}
    return Target(
        told["kind"], told["table"], row["account_id"], row["region"] or "", row["arn"],
        str(row["name"] or row["arn"]), row["tags"], told["step"], tuple(factors), actions,
        key if key.startswith("arn:") and told["step"].startswith("read") else "",
        bool(row.get("locked")) or bool(row.get("denies_deletion")),
    )  # fmt: skip


def _keys(
    told: Mapping[str, Any], rows: Iterable[Row], weights: Model, used: Mapping[str, str]
) -> Iterator[Target]:
    for row in rows:
        if row["arn"] is None or row["key_manager"] == "AWS" or row["key_state"] == "PendingDeletion":
            continue
        sensitive = weights.tagged(row["tags"], "classified")
        if sensitive or row["arn"] in used:
            yield _target(told, row, weights, True)


class Accesses:
    """Who may do what would hurt, decided by the IAM engine with resource, key and organization policies."""

    def __init__(self, world: World, masker: Masker) -> None:
        self.world = world
        self.masker = masker
        self._may: dict[str, int] = {}

    def of(self, target: Target, principals: Iterable[Principal]) -> Iterator[Access]:
        """The principals who may, each by the surest of the target's actions."""
        if target.safe:
            return
        for who in principals:
            best: Access | None = None
            for action, resource in target.actions.items():
                found = self._access(who, action, resource, target)
                if found is not None and (best is None or _rank(found) < _rank(best)):
                    best = found
                if best is not None and best.certainty == CERTAIN:
                    break
            if best is not None:
                yield best

    def _access(self, who: Principal, action: str, resource: str, target: Target) -> Access | None:
        own = resource.removesuffix("/*")
        if not self._granted(who, action) and not self._has_policy(own):
            return None
        found = self._decided(who, action, f"{own}/x" if resource != own else own)
        if found is None or not target.key_arn:
            return found
        # What is read must be decrypted, too, which the key's own policy has a say in.
        opened = self._decided(who, "kms:Decrypt", target.key_arn)
        if opened is None:
            return None
        order = (CERTAIN, POSSIBLE, UNKNOWN)
        sure = max(found.certainty, opened.certainty, key=order.index)
        return Access(who.arn, action, sure, tuple(dict.fromkeys((*found.statements, *opened.statements))))

    def _granted(self, who: Principal, action: str) -> bool:
        """Whether the principal's own policies may allow the action on something."""
        mask = self._may.get(who.arn)
        if mask is None:
            identity = self.world.identity(who)
            if identity is None or identity.policies is None or identity.unread:
                mask = self.masker.universe.all
            else:
                mask = self.masker.layer(identity.policies).allow_may
            self._may[who.arn] = mask
        return self.masker.universe.has(mask, action.lower())

    def _has_policy(self, arn: str) -> bool:
        held = self.world.held(arn)
        return held is None or held.policies is not None or bool(held.unread)

    def _decided(self, who: Principal, action: str, resource: str) -> Access | None:
        request = Request(who, action, self.world.resource(resource, who.account))
        policies, decision = self.world.decide(request)
        if not decision.may:
            return None
        sure = CERTAIN if decision.must else UNKNOWN if policies.unread else POSSIBLE
        return Access(who.arn, action, sure, _labels(decision))


def _labels(decision: Decision) -> tuple[str, ...]:
    found = [s.label for step in decision.steps if step.layer in _GRANTING for s in step.statements]
    found += [r.statement.label for r in decision.residual if r.statement and r.layer in _GRANTING]
    return tuple(dict.fromkeys(found))


def _rank(access: Access) -> int:
    return (CERTAIN, POSSIBLE, UNKNOWN).index(access.certainty)
