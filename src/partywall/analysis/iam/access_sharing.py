"""What lets others in without being a policy, as the Allow statements that it comes to.

Amazon EC2 User Guide: Share an AMI; Share an Amazon EBS snapshot. Amazon RDS User Guide: Sharing a DB
snapshot. AWS Systems Manager User Guide: Sharing SSM documents. AWS PrivateLink Guide: Configure an endpoint
service. Amazon EFS User Guide: Default EFS file system policy.
"""

from __future__ import annotations

from collections.abc import Iterable

from partywall.analysis.iam.document import Policy, PrincipalElement, Statement, parse
from partywall.analysis.iam.operators import Condition

_EVERYONE = PrincipalElement(named=(("Group", "authenticated"),))
"""Every AWS account; unsigned requests are none of theirs."""
EFS_DEFAULT = parse(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "default",
            "Effect": "Allow",
            "Principal": "*",
            "Action": [f"elasticfilesystem:Client{each}" for each in ("Mount", "Write", "RootAccess")],
            "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        },
    },
    "default file system policy",
    principal=True,
)
"""Any client that reaches a mount target may do all, where a file system has no policy."""


def shared(
    name: str,
    actions: tuple[str, ...],
    accounts: Iterable[str] = (),
    *,
    everyone: bool = False,
    organizations: Iterable[str] = (),
) -> list[Policy]:
    """A resource shared with accounts (ids or ARNs of principals), organizations (ARNs) or every account."""
    named = PrincipalElement(named=tuple(("AWS", each) for each in accounts))
    made: list[Statement] = []

    def add(principal: PrincipalElement, sid: str, conditions: tuple[Condition, ...] = ()) -> None:
        made.append(
            Statement(
                policy=name,
                sid=sid,
                index=len(made),
                allow=True,
                principal=principal,
                not_principal=False,
                actions=tuple(a.lower() for a in actions),
                not_action=False,
                resources=None,
                not_resource=False,
                conditions=conditions,
                variables=False,
            )
        )

    if everyone:
        add(_EVERYONE, "everyone")
    if named.named:
        add(named, "accounts")
    for arn in organizations:
        # arn:aws:organizations::111122223333:organization/o-abc, or …:ou/o-abc/ou-def
        kind, _, rest = arn.rpartition(":")[2].partition("/")
        organization, _, unit = rest.partition("/")
        if kind == "organization":
            limit = Condition(
                "StringEquals", "aws:PrincipalOrgID", (organization,), "stringequals", "", False, False
            )
        else:
            pattern = f"{organization}/*/{unit}/*"
            limit = Condition(
                "ForAnyValue:StringLike",
                "aws:PrincipalOrgPaths",
                (pattern,),
                "stringlike",
                "any",
                False,
                False,
            )
        add(_EVERYONE, kind, (limit,))
    return [Policy(name, tuple(made))] if made else []
