"""AWS KMS: keys with their policies, rotation and grants, and custom key stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Policy,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _customer(row: Mapping[str, Any]) -> bool:
    """AWS sets policy and rotation of its own keys, the same for all. A key not known to be AWS's counts."""
    return row.get("key_manager") != "AWS"


def _customer_symmetric(row: Mapping[str, Any]) -> bool:
    return _customer(row) and row.get("key_spec") in (None, "SYMMETRIC_DEFAULT")


def _last_active(answer: Mapping[str, Any]) -> Any:
    """The last cryptographic use, or where there was none the moment from which AWS would know of one."""
    used = (answer.get("KeyLastUsage") or {}).get("Timestamp")
    return used or answer.get("TrackingStartDate") or answer.get("KeyCreationDate")


# Calls that only customer keys get read the key id from DescribeKey, so that they wait for its answer.
_DESCRIBED = {"KeyId": "described_key_id"}

key = Table(
    "kms_key",
    service="kms",
    scope="regional",
    resource_type="AWS::KMS::Key",
    doc="A KMS key of the account, AWS's own (`key_manager` AWS) included.",
    rows=Call("kms:ListKeys", at="Keys"),
    arn="KeyArn",
    title="KeyId",
    tags="tagging.Tags",
    calls={
        "key": Call("kms:DescribeKey", {"KeyId": "key_id"}, at="KeyMetadata"),
        "aliases": Lookup("kms:ListAliases", at="Aliases", key="TargetKeyId", by="key_id", many=True),
        "rotation": Call(
            "kms:GetKeyRotationStatus",
            _DESCRIBED,
            absent=("UnsupportedOperationException",),
            when=_customer_symmetric,
        ),
        "policy": Call("kms:GetKeyPolicy", {**_DESCRIBED, "PolicyName": Const("default")}, when=_customer),
        "grants": Call("kms:ListGrants", _DESCRIBED, when=_customer),
        "usage": Call("kms:GetKeyLastUsage", _DESCRIBED, when=_customer),
        "tagging": tagging("kms:key"),
    },
    columns=(
        Column("key_id", Str, "KeyId"),
        Column("described_key_id", Str, "key.KeyId", doc="The same, as DescribeKey tells it."),
        Column("description", Str, "key.Description", ""),
        Column("alias_names", List(Str), "aliases[].AliasName", doc="Such as alias/app."),
        Column("key_manager", Enum("AWS", "CUSTOMER"), "key.KeyManager", doc="Who manages the key."),
        Column("enabled", Bool, "key.Enabled"),
        Column(
            "key_state",
            Enum(
                "Creating",
                "Enabled",
                "Disabled",
                "PendingDeletion",
                "PendingImport",
                "PendingReplicaDeletion",
                "Unavailable",
                "Updating",
            ),
            "key.KeyState",
        ),
        Column(
            "key_usage",
            Enum(
                "SIGN_VERIFY",
                "ENCRYPT_DECRYPT",
                "GENERATE_VERIFY_MAC",
                "KEY_AGREEMENT",
                "ENCAPSULATE_DECAPSULATE",
            ),
            "key.KeyUsage",
        ),
        Column("key_spec", Str, "key.KeySpec", doc="SYMMETRIC_DEFAULT, RSA_2048, …"),
        Column(
            "origin",
            Enum("AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"),
            "key.Origin",
            doc="Where the key material came from; EXTERNAL: imported.",
        ),
        Column("creation_date", Timestamp, "key.CreationDate"),
        Column("deletion_date", Timestamp, "key.DeletionDate", doc="Only where deletion is scheduled."),
        Column(
            "expiration_model",
            Enum("KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE", "none"),
            "key.ExpirationModel",
            "none",
            doc="Whether imported key material expires; none: it is not imported.",
        ),
        Column("valid_to", Timestamp, "key.ValidTo", doc="When imported key material expires."),
        Column("multi_region", Bool, "key.MultiRegion", False),
        Column("custom_key_store_id", Str, "key.CustomKeyStoreId", ""),
        Column("rotation_enabled", Bool, "rotation.KeyRotationEnabled", False, doc="Automatic rotation."),
        Column("rotation_period_days", Int, "rotation.RotationPeriodInDays", 0, doc="0: none is set."),
        Column("policy", Policy("key"), "policy.Policy", "", doc="The key policy; empty for AWS's own keys."),
        Column(
            "grants",
            List(
                Struct(
                    Field("id", Str, "GrantId"),
                    Field("grantee_principal", Str, "GranteePrincipal", ""),
                    Field("grantee_service", Str, "GranteeServicePrincipal", ""),
                    Field("operations", List(Str), "Operations"),
                    Field("constrained", Bool, "Constraints", False, fn=bool),
                    Field("created", Timestamp, "CreationDate"),
                )
            ),
            "grants.Grants",
            doc="Grants to use the key, beside its policy.",
        ),
        Column(
            "last_active",
            Timestamp,
            "usage",
            doc="The last cryptographic use or, where AWS knows of none, since when it would.",
            fn=_last_active,
        ),
    ),
)

custom_key_store = Table(
    "kms_custom_key_store",
    service="kms",
    scope="regional",
    resource_type="AWS::KMS::CustomKeyStore",
    doc="A key store in a CloudHSM cluster or outside AWS.",
    rows=Call("kms:DescribeCustomKeyStores", at="CustomKeyStores"),
    arn="arn:{partition}:kms:{region}:{account_id}:custom-key-store/{store_id}",
    title="CustomKeyStoreName",
    columns=(
        Column("store_id", Str, "CustomKeyStoreId"),
        Column("store_type", Enum("AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"), "CustomKeyStoreType"),
        Column(
            "connection_state",
            Enum("CONNECTED", "CONNECTING", "FAILED", "DISCONNECTED", "DISCONNECTING"),
            "ConnectionState",
        ),
        Column("connection_error", Str, "ConnectionErrorCode", ""),
        Column("cloudhsm_cluster_id", Str, "CloudHsmClusterId", ""),
        Column(
            "proxy_connectivity",
            Enum("PUBLIC_ENDPOINT", "VPC_ENDPOINT_SERVICE", "none"),
            "XksProxyConfiguration.Connectivity",
            "none",
            doc="How KMS reaches the proxy of an external store.",
        ),
    ),
)

TABLES = (key, custom_key_store)
