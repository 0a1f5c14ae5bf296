"""What S3 has beside bucket policies: access control lists and Block Public Access.

Amazon S3 User Guide: Access control list (ACL) overview; Blocking public access to your Amazon S3 storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from partywall.analysis.iam.document import Policy, PrincipalElement, Statement
from partywall.analysis.iam.evaluate import Tri, both, either

_READ: Final = ("s3:listbucket", "s3:listbucketversions", "s3:listbucketmultipartuploads")
_PERMISSIONS: Final[dict[str, tuple[str, ...]]] = {
    "READ": _READ,
    "WRITE": ("s3:putobject", "s3:deleteobject", "s3:deleteobjectversion"),
    "READ_ACP": ("s3:getbucketacl",),
    "WRITE_ACP": ("s3:putbucketacl",),
}
_GROUPS: Final = "http://acs.amazonaws.com/groups/"


def acl_policy(bucket: Mapping[str, Any], account_block: Mapping[str, Any]) -> tuple[list[Policy], bool]:
    """A bucket's list as Allow statements, and whether something of it is not known.

    The page's table "Mapping of ACL permissions and access policy permissions" gives the actions. The grant
    to the owner itself is left out: the owner's account decides by its own policies.
    """
    ownership, grants = bucket["object_ownership"], bucket["acl_grants"]
    if ownership == "BucketOwnerEnforced":
        return [], False
    if ownership is None or grants is None:
        return [], True
    own = (bucket["public_access_block"] or {}).get("ignore_public_acls")
    ignored = either(own, account_block.get("ignore_public_acls"))
    statements: list[Statement] = []
    unread = False
    name = f"access control list of {bucket['arn']}"
    for grant in grants:
        permission = grant["permission"]
        names = list(_PERMISSIONS) if permission == "FULL_CONTROL" else [permission]
        actions = tuple(a for n in names for a in _PERMISSIONS.get(n, ()))
        uri = grant["grantee_uri"] or ""
        group = uri.removeprefix(_GROUPS)
        if group in ("global/AllUsers", "global/AuthenticatedUsers"):
            if ignored:
                continue
            unread |= ignored is None
            everyone = group == "global/AllUsers"
            element = PrincipalElement(everyone, () if everyone else (("Group", "authenticated"),))
        elif group == "s3/LogDelivery":
            element = PrincipalElement(named=(("Service", "logging.s3.amazonaws.com"),))
        elif grant["grantee_id"] and grant["grantee_id"] == bucket.get("acl_owner"):
            continue
        elif grant["grantee_id"]:
            element = PrincipalElement(named=(("CanonicalUser", grant["grantee_id"]),))
        else:
            continue
        statements.append(
            Statement(
                policy=name,
                sid=f"{group or 'canonical user'} {permission}",
                index=len(statements),
                allow=True,
                principal=element,
                not_principal=False,
                actions=actions,
                not_action=False,
                resources=(bucket["arn"], f"{bucket['arn']}/*"),
                not_resource=False,
                conditions=(),
                variables=False,
            )
        )
    return [Policy(name, tuple(statements))] if statements else [], unread


def public_blocked(bucket: Mapping[str, Any], account_block: Mapping[str, Any]) -> Tri:
    """Whether RestrictPublicBuckets, the bucket's or the account's, holds back others: it does so only where
    AWS judges the bucket's policy to be public."""
    own = (bucket["public_access_block"] or {}).get("restrict_public_buckets")
    restricted = either(own, account_block.get("restrict_public_buckets"))
    public: Tri = False if bucket["policy"] == "" else bucket["policy_is_public"]
    return both(restricted, public)
