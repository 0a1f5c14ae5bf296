"""Amazon S3 Glacier: vaults of the service of its own; S3's storage classes are S3's."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Enum, Int, Policy, Str, Table, Timestamp

# AWS: "the request was made by a customer with no Amazon Glacier storage".
_CLOSED = "NoLongerSupportedException"
_VAULT = {"accountId": "@account_id", "vaultName": "name"}

vault = Table(
    "glacier_vault",
    service="glacier",
    scope="regional",
    resource_type="AWS::Glacier::Vault",
    doc="A vault with its access and lock policies; always encrypted.",
    rows=Call("glacier:ListVaults", {"accountId": "@account_id"}, at="VaultList", absent=(_CLOSED,)),
    arn="VaultARN",
    title="VaultName",
    tags="tagging.Tags",
    calls={
        "tagging": Call("glacier:ListTagsForVault", _VAULT),
        "policy": Call("glacier:GetVaultAccessPolicy", _VAULT, absent=("ResourceNotFoundException",)),
        "lock": Call("glacier:GetVaultLock", _VAULT, absent=("ResourceNotFoundException",)),
    },
    columns=(
        Column("created_at", Timestamp, "CreationDate"),
        Column("archives", Int, "NumberOfArchives", 0, doc="As of the last inventory."),
        Column("size_in_bytes", Int, "SizeInBytes", 0),
        Column("policy", Policy("resource"), "policy.policy.Policy", ""),
        Column("lock_policy", Policy("resource"), "lock.Policy", "", doc="Empty: the vault has no lock."),
        Column(
            "lock_state",
            Enum("InProgress", "Locked", "none"),
            "lock.State",
            "none",
            doc="Locked: nobody, the root user included, can change the lock policy any more.",
        ),
        Column("last_inventory_at", Str, "LastInventoryDate", "", doc="Empty: never taken."),
    ),
)

TABLES = (vault,)
