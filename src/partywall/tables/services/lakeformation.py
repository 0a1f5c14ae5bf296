"""AWS Lake Formation: the data lake settings of a Region."""

from __future__ import annotations

from partywall.tables.spec import Bool, Call, Column, Field, List, Single, Str, Struct, Table

_GRANT = Struct(
    Field("principal", Str, "Principal.DataLakePrincipalIdentifier", ""),
    Field("permissions", List(Str), "Permissions"),
)

settings = Table(
    "lakeformation_settings",
    service="lakeformation",
    scope="regional",
    resource_type="AWS::LakeFormation::DataLakeSettings",
    doc="Lake Formation in a Region of the account, one row. AWS has no ARN for it.",
    rows=Single(),
    arn="arn:{partition}:lakeformation:{region}:{account_id}:settings",
    title="Lake Formation in {region}",
    calls={"settings": Call("lakeformation:GetDataLakeSettings", at="DataLakeSettings")},
    columns=(
        Column(
            "admins",
            List(Str),
            "settings.DataLakeAdmins[].DataLakePrincipalIdentifier",
            doc="Data lake administrators; none: Lake Formation is not in use.",
        ),
        Column("read_only_admins", List(Str), "settings.ReadOnlyAdmins[].DataLakePrincipalIdentifier"),
        Column(
            "default_database_grants",
            List(_GRANT),
            "settings.CreateDatabaseDefaultPermissions",
            doc="Given on each new database; IAM_ALLOWED_PRINCIPALS: IAM policies alone decide.",
        ),
        Column("default_table_grants", List(_GRANT), "settings.CreateTableDefaultPermissions"),
        Column("external_data_filtering", Bool, "settings.AllowExternalDataFiltering", False),
        Column(
            "full_table_external_access",
            Bool,
            "settings.AllowFullTableExternalDataAccess",
            False,
            doc="Engines outside AWS may read whole tables without being checked for it.",
        ),
        Column(
            "cross_account_version",
            Str,
            "settings.Parameters.CROSS_ACCOUNT_VERSION",
            "",
            doc="1 to 5: how grants to other accounts are shared.",
        ),
    ),
)

TABLES = (settings,)
