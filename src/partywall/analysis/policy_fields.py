"""The facts that a check may read of a policy document: names, types and meaning, per kind of policy.

Rules common to all of them:
- A boolean is NULL where the answer hangs on a condition that cannot be judged; `undecided` names its key.
- A list holds what is certain. Where something may or may not belong to it, the list is NULL when nothing
  else is certain, and otherwise carries one NULL element, so that the dialect's quantifiers stay unknown.
- Lists are sorted and hold each value once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from partywall.tables.types import Bool, Field, List, Str, StructType, Type

_Declared = tuple[str, Type, str]
_Texts: Final = List(Str)

_COMMON: Final[tuple[_Declared, ...]] = (
    ("undecided", _Texts, "Condition keys (lower case) whose effect could not be judged and mattered."),
)

_ADMITTED: Final[tuple[_Declared, ...]] = (
    (
        "is_public",
        Bool,
        "Anyone, or any principal of any AWS account, gets some action once conditions and Deny statements "
        "are read (Amazon S3 User Guide, Blocking public access to your Amazon S3 storage, The meaning of "
        "public).",
    ),
    ("public_statements", _Texts, "The statements that make it public: their Sid, or #1, #2 … by position."),
    (
        "foreign_accounts",
        _Texts,
        "Account ids other than the owner's that a grant admits, by principal or by a condition that names "
        "accounts. Everyone (`is_public`) is not spelt out here.",
    ),
    (
        "organizations",
        _Texts,
        "Organization ids (o-…) that a grant admits by PrincipalOrgID, PrincipalOrgPaths, SourceOrgID or "
        "SourceOrgPaths; the owner's own organization is among them where it is named.",
    ),
    ("services", _Texts, "Service principals that a grant admits, `*` where any AWS service is."),
    ("federated", _Texts, "Federated principals (SAML or OIDC providers) that a grant admits."),
    (
        "deleted_principals",
        _Texts,
        "Unique ids (AIDA…, AROA…, AGPA…) standing where a principal's ARN was: the principal was deleted "
        "(IAM User Guide, AWS JSON policy elements: Principal).",
    ),
)

_RESOURCE: Final[tuple[_Declared, ...]] = (
    *_COMMON,
    *_ADMITTED,
    (
        "public_without_auth",
        Bool,
        "Public to unsigned (anonymous) requests too, where the service takes them; FALSE where a condition "
        "asks for something that only signed requests carry.",
    ),
    ("public_actions", _Texts, "Actions granted to everyone, as the document writes them (`s3:Get*`)."),
    (
        "public_write",
        Bool,
        "Some action granted to everyone is of access level write, tagging or permissions.",
    ),
    (
        "public_read",
        Bool,
        "Some action granted to everyone is of access level read or list.",
    ),
    (
        "foreign_write_accounts",
        _Texts,
        "The `foreign_accounts` that get an action of access level write, tagging or permissions.",
    ),
    (
        "foreign_sensitive_actions",
        _Texts,
        "Actions that other accounts or everyone get and that change policies, ACLs or encryption, spelt out "
        "(`s3:PutBucketPolicy`), wildcards expanded (Security Hub S3.6 and its like).",
    ),
    (
        "services_without_source",
        _Texts,
        "Service principals admitted with no aws:SourceAccount, SourceArn, SourceOrgID or SourceOrgPaths "
        "that binds them to named accounts (IAM User Guide, The confused deputy problem).",
    ),
    (
        "denies_insecure_transport",
        Bool,
        "Deny to everyone of all actions over all of the resource while aws:SecureTransport is false, with "
        "no further condition. For S3 both the bucket and its objects must be covered.",
    ),
)

_KEY: Final[tuple[_Declared, ...]] = (
    *_RESOURCE,
    (
        "foreign_decrypt",
        _Texts,
        "Other accounts that may decrypt: kms:Decrypt, kms:ReEncryptFrom or, by a grant, kms:CreateGrant.",
    ),
    (
        "foreign_administrators",
        _Texts,
        "Other accounts that may change the key policy or delete the key (kms:PutKeyPolicy, "
        "kms:ScheduleKeyDeletion).",
    ),
    (
        "can_lock_out",
        Bool,
        "The owner account as a whole is not granted kms:PutKeyPolicy: if the principals named are deleted, "
        "nobody can manage the key.",
    ),
)

_IDENTITY: Final[tuple[_Declared, ...]] = (
    *_COMMON,
    (
        "is_admin",
        Bool,
        "Allows every action on every resource, or all but a few by NotAction while IAM stays open, with no "
        "condition that narrows what is acted on and no Deny that takes it back.",
    ),
    ("allow_not_action", Bool, "An Allow with NotAction: everything but what is named."),
    ("allow_not_resource", Bool, "An Allow with NotResource: everywhere but what is named."),
    (
        "full_service_access",
        _Texts,
        "Services with every action (`s3:*`) on every resource; `*` for all of them.",
    ),
    (
        "escalation",
        _Texts,
        "Privilege escalation methods that this document alone enables on any resource of the account, each "
        "named by the actions it takes, joined by ` + `.",
    ),
    ("pass_role_any", Bool, "iam:PassRole for every role and to any service."),
    ("assume_role_any", Bool, "sts:AssumeRole on every role."),
    (
        "decrypt_any_key",
        Bool,
        "kms:Decrypt or kms:ReEncryptFrom on every KMS key (Security Hub KMS.1 and KMS.2).",
    ),
    ("secrets_any", Bool, "secretsmanager:GetSecretValue on every secret."),
    ("full_cloudtrail", Bool, "cloudtrail:* on every resource, and not denied as a whole."),
    ("full_kms", Bool, "kms:* on every resource, and not denied as a whole."),
    ("s3_read_any", Bool, "s3:GetObject on every object of every bucket."),
    (
        "can_disable_logging",
        _Texts,
        "Actions allowed on any resource that stop or erase records of what happens.",
    ),
    (
        "can_make_public",
        _Texts,
        "Actions allowed on any resource that can open data to everyone or other accounts.",
    ),
)

_TRUST: Final[tuple[_Declared, ...]] = (
    *_COMMON,
    *_ADMITTED,
    (
        "foreign_roots",
        _Texts,
        "Other accounts trusted as a whole (their root): whoever they let may assume the role.",
    ),
    (
        "foreign_accounts_without_external_id",
        _Texts,
        "The `foreign_accounts` that may assume the role without a fixed sts:ExternalId (IAM User Guide, "
        "Access to AWS accounts owned by third parties).",
    ),
    (
        "services_without_source",
        _Texts,
        "Service principals that can send aws:SourceArn or aws:SourceAccount when they assume a role and are "
        "not bound by either; services that cannot are not listed.",
    ),
    (
        "oidc_unpinned",
        _Texts,
        "OIDC providers trusted without a condition on sub, aud or their like that pins the trust to one "
        "tenant (IAM User Guide, Create a role for OpenID Connect federation).",
    ),
)


def _struct(declared: tuple[_Declared, ...]) -> StructType:
    return StructType(tuple(Field(name, kind, name) for name, kind, _ in declared))


_KINDS: Final = {"resource": _RESOURCE, "key": _KEY, "identity": _IDENTITY, "trust": _TRUST}

FACTS: Final[Mapping[str, StructType]] = MappingProxyType({k: _struct(v) for k, v in _KINDS.items()})
"""The type of `x_facts` for a column `x` of type `Policy(kind)`."""

FIELD_DOCS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {k: MappingProxyType({name: doc for name, _, doc in v}) for k, v in _KINDS.items()}
)
"""One sentence or two for each field of `FACTS`, for the generated reference."""
