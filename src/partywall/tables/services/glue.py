"""AWS Glue: the Data Catalog, jobs, connections, development endpoints and security configurations."""

from typing import Final

from partywall.tables.secret_patterns import is_secret
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    List,
    Policy,
    Relation,
    Single,
    Str,
    StrMap,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

# One call for all tables of the service.
_TAGGING = tagging("glue:job", "glue:devEndpoint", "glue:connection", "glue:mlTransform")

_HERE = {"account_id": "account_id", "region": "region"}
_SETTINGS: Final = (
    "--enable-continuous-cloudwatch-log",
    "--job-bookmark-option",
    "--encryption-type",
    "--enable-metrics",
)
# Neither URLs nor options, which may carry passwords.
_PROPERTIES: Final = ("JDBC_ENFORCE_SSL", "USERNAME", "SECRET_ID", "KAFKA_SSL_ENABLED")


def _secret_like(arguments: dict[str, str]) -> list[str]:
    """Names of arguments that seem to hold a credential; their values never leave this function."""
    return sorted(n for n, value in arguments.items() if is_secret(n.lstrip("-").replace("-", "_"), value))


def _settings(arguments: dict[str, str]) -> dict[str, str]:
    return {name: arguments[name] for name in _SETTINGS if name in arguments}


def _properties(properties: dict[str, str]) -> dict[str, str]:
    return {name: properties[name] for name in _PROPERTIES if name in properties}


catalog = Table(
    "glue_data_catalog",
    service="glue",
    scope="regional",
    resource_type="AWS::Glue::DataCatalogEncryptionSettings",
    doc="The account's Data Catalog, one row per Region.",
    rows=Single(),
    arn="arn:{partition}:glue:{region}:{account_id}:catalog",
    title="{account_id}",
    calls={
        "settings": Call("glue:GetDataCatalogEncryptionSettings", at="DataCatalogEncryptionSettings"),
        "policy": Call("glue:GetResourcePolicy", absent=("EntityNotFoundException",)),
    },
    columns=(
        Column(
            "encryption_mode",
            Enum("DISABLED", "SSE-KMS", "SSE-KMS-WITH-SERVICE-ROLE"),
            "settings.EncryptionAtRest.CatalogEncryptionMode",
            "DISABLED",
        ),
        Column("kms_key", Str, "settings.EncryptionAtRest.SseAwsKmsKeyId", ""),
        Column(
            "password_encryption",
            Bool,
            "settings.ConnectionPasswordEncryption.ReturnConnectionPasswordEncrypted",
            False,
            doc="Connections' passwords are stored and answered encrypted.",
        ),
        Column("policy", Policy("resource"), "policy.PolicyInJson", "", doc="Empty: there is none."),
    ),
    relations=(
        Relation("jobs", "glue_job", ("arn",), _HERE),
        Relation("connections", "glue_connection", ("arn",), _HERE),
    ),
)

security_configuration = Table(
    "glue_security_configuration",
    service="glue",
    scope="regional",
    resource_type="AWS::Glue::SecurityConfiguration",
    doc="Encryption settings that jobs, crawlers and endpoints share. AWS has no ARN for it.",
    rows=Call("glue:GetSecurityConfigurations", at="SecurityConfigurations"),
    arn="arn:{partition}:glue:{region}:{account_id}:securityConfiguration/{name}",
    title="Name",
    columns=(
        Column("created_at", Timestamp, "CreatedTimeStamp"),
        Column(
            "s3_encryption",
            Enum("DISABLED", "SSE-KMS", "SSE-S3"),
            "EncryptionConfiguration.S3Encryption[].S3EncryptionMode",
            "DISABLED",
            fn=lambda v: v[0] if v else None,
        ),
        Column(
            "logs_encryption",
            Enum("DISABLED", "SSE-KMS"),
            "EncryptionConfiguration.CloudWatchEncryption.CloudWatchEncryptionMode",
            "DISABLED",
        ),
        Column(
            "bookmarks_encryption",
            Enum("DISABLED", "CSE-KMS"),
            "EncryptionConfiguration.JobBookmarksEncryption.JobBookmarksEncryptionMode",
            "DISABLED",
        ),
    ),
)

_CONFIGURATION = Relation(
    "security_configurations",
    "glue_security_configuration",
    ("name", "s3_encryption", "logs_encryption", "bookmarks_encryption"),
    {"security_configuration": "name", **_HERE},
)

job = Table(
    "glue_job",
    service="glue",
    scope="regional",
    resource_type="AWS::Glue::Job",
    doc="An ETL job. Values of its arguments are not kept, but for a few settings.",
    rows=Call("glue:GetJobs", at="Jobs"),
    arn="arn:{partition}:glue:{region}:{account_id}:job/{name}",
    title="Name",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("command", Str, "Command.Name", "", doc="glueetl, gluestreaming, pythonshell or glueray."),
        Column(
            "glue_version", Str, "GlueVersion", doc="auto: Glue upgrades the job. NULL: AWS does not tell."
        ),
        Column("role", Str, "Role", ""),
        Column("security_configuration", Str, "SecurityConfiguration", "", doc="Empty: none."),
        Column("settings", StrMap, "DefaultArguments", doc="Some of the default arguments.", fn=_settings),
        Column(
            "secret_like_arguments",
            List(Str),
            "DefaultArguments",
            doc="Names of default arguments that seem to hold a secret in plaintext.",
            fn=_secret_like,
        ),
        Column("script_location", Str, "Command.ScriptLocation", ""),
    ),
    relations=(_CONFIGURATION,),
)

dev_endpoint = Table(
    "glue_dev_endpoint",
    service="glue",
    scope="regional",
    resource_type="AWS::Glue::DevEndpoint",
    doc="A development endpoint: an interactive Spark environment.",
    rows=Call("glue:GetDevEndpoints", at="DevEndpoints"),
    arn="arn:{partition}:glue:{region}:{account_id}:devEndpoint/{name}",
    title="EndpointName",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("status", Str, "Status", ""),
        Column("public_address", Str, "PublicAddress", "", doc="Empty: it is in a VPC."),
        Column("role_arn", Str, "RoleArn", ""),
        Column("security_configuration", Str, "SecurityConfiguration", "", doc="Empty: none."),
    ),
    relations=(_CONFIGURATION,),
)

session = Table(
    "glue_session",
    service="glue",
    scope="regional",
    resource_type="AWS::Glue::Session",
    doc="An interactive session that is not stopped.",
    rows=Call("glue:ListSessions", {"MaxResults": 100}, at="Sessions"),
    keep=lambda e: e.get("Status") not in ("STOPPED", "FAILED", "TIMEOUT"),
    arn="arn:{partition}:glue:{region}:{account_id}:session/{name}",
    title="Id",
    columns=(
        Column("status", Str, "Status", ""),
        Column("created_at", Timestamp, "CreatedOn"),
        Column("role", Str, "Role", "", doc="Name or ARN of the role whose credentials its code has."),
        Column("security_configuration", Str, "SecurityConfiguration", "", doc="Empty: none."),
    ),
)

connection = Table(
    "glue_connection",
    service="glue",
    scope="regional",
    resource_type="AWS::Glue::Connection",
    doc="A connection to a data store; asked for without its password.",
    rows=Call("glue:GetConnections", {"HidePassword": True}, at="ConnectionList"),
    arn="arn:{partition}:glue:{region}:{account_id}:connection/{name}",
    title="Name",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("connection_type", Str, "ConnectionType", ""),
        Column("created_at", Timestamp, "CreationTime"),
        Column(
            "properties",
            StrMap,
            "ConnectionProperties",
            doc="The properties that matter to security; none is a secret.",
            fn=_properties,
        ),
        Column("secret_arn", Str, "AuthenticationConfiguration.SecretArn", "", doc="Or empty."),
        Column("subnet_id", Str, "PhysicalConnectionRequirements.SubnetId", "", doc="Empty: in no VPC."),
    ),
)

ml_transform = Table(
    "glue_ml_transform",
    service="glue",
    scope="regional",
    resource_type="AWS::Glue::MLTransform",
    doc="A machine learning transform.",
    rows=Call("glue:GetMLTransforms", at="Transforms"),
    arn="arn:{partition}:glue:{region}:{account_id}:mlTransform/{transform_id}",
    title="Name",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("transform_id", Str, "TransformId"),
        Column("glue_version", Str, "GlueVersion", ""),
        Column(
            "user_data_encryption",
            Enum("DISABLED", "SSE-KMS"),
            "TransformEncryption.MlUserDataEncryption.MlUserDataEncryptionMode",
            "DISABLED",
        ),
    ),
)

TABLES = (catalog, security_configuration, job, dev_endpoint, session, connection, ml_transform)
