"""AWS Step Functions: state machines."""

from partywall.tables.secret_patterns import secret_kinds
from partywall.tables.spec import Bool, Call, Column, Enum, List, Str, Table, Timestamp
from partywall.tables.tagging import tagging

state_machine = Table(
    "stepfunctions_state_machine",
    service="stepfunctions",
    scope="regional",
    resource_type="AWS::StepFunctions::StateMachine",
    doc="A state machine.",
    rows=Call("stepfunctions:ListStateMachines", {"maxResults": 1000}, at="stateMachines"),
    arn="stateMachineArn",
    title="name",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("states:stateMachine"),
        "described": Call("stepfunctions:DescribeStateMachine", {"stateMachineArn": "arn"}),
    },
    columns=(
        Column("kind", Enum("STANDARD", "EXPRESS"), "type", "STANDARD"),
        Column("created_at", Timestamp, "creationDate"),
        Column("role_arn", Str, "described.roleArn", ""),
        Column(
            "log_level",
            Enum("ALL", "ERROR", "FATAL", "OFF"),
            "described.loggingConfiguration.level",
            "OFF",
        ),
        Column("logs_execution_data", Bool, "described.loggingConfiguration.includeExecutionData", False),
        Column("tracing_enabled", Bool, "described.tracingConfiguration.enabled", False),
        Column(
            "encryption_type",
            Enum("AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY"),
            "described.encryptionConfiguration.type",
            "AWS_OWNED_KEY",
        ),
        Column("kms_key_id", Str, "described.encryptionConfiguration.kmsKeyId", ""),
        Column(
            "definition_secrets",
            List(Str),
            "described.definition",
            fn=secret_kinds,
            doc="Kinds of credentials that its definition seems to hold; the definition is not kept.",
        ),
    ),
)

TABLES = (state_machine,)
