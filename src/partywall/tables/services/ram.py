"""AWS RAM: resource shares with the principals and resources that they join."""

from __future__ import annotations

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    List,
    Lookup,
    Str,
    Struct,
    Table,
    Timestamp,
)


def _associations(kind: str) -> Lookup:
    return Lookup(
        "ram:GetResourceShareAssociations",
        at="resourceShareAssociations",
        key="resourceShareArn",
        by="arn",
        params={"associationType": Const(kind)},
        many=True,
    )


share = Table(
    "ram_resource_share",
    service="ram",
    scope="regional",
    resource_type="AWS::RAM::ResourceShare",
    doc="A resource share of the account.",
    rows=Call("ram:GetResourceShares", {"resourceOwner": Const("SELF")}, at="resourceShares"),
    arn="resourceShareArn",
    title="name",
    tags="tags",
    calls={"principals": _associations("PRINCIPAL"), "resources": _associations("RESOURCE")},
    columns=(
        Column("allow_external_principals", Bool, "allowExternalPrincipals", False),
        Column("status", Enum("PENDING", "ACTIVE", "FAILED", "DELETING", "DELETED"), "status"),
        Column("created_at", Timestamp, "creationTime"),
        Column("feature_set", Str, "featureSet", "STANDARD"),
        Column(
            "principals",
            List(
                Struct(
                    Field("principal", Str, "associatedEntity", ""),
                    Field("status", Str, "status", ""),
                    Field("is_external", Bool, "external", False),
                )
            ),
            "principals",
            doc="Whom it is shared with; is_external: outside the organization.",
        ),
        Column("resource_arns", List(Str), "resources[].associatedEntity"),
    ),
)

TABLES = (share,)
