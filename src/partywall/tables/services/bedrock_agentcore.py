"""Amazon Bedrock AgentCore: code interpreters."""

from partywall.tables.spec import Call, Column, Const, Enum, Str, Table, Timestamp

code_interpreter = Table(
    "bedrock_agentcore_code_interpreter",
    service="bedrock",
    scope="regional",
    resource_type="AWS::BedrockAgentCore::CodeInterpreterCustom",
    doc="A code interpreter of one's own, which runs the code that agents (or whoever may call it) send.",
    rows=Call(
        "bedrock-agentcore-control:ListCodeInterpreters",
        {"type": Const("CUSTOM"), "maxResults": 100},
        at="codeInterpreterSummaries",
    ),
    arn="codeInterpreterArn",
    title="name",
    calls={
        "described": Call(
            "bedrock-agentcore-control:GetCodeInterpreter", {"codeInterpreterId": "code_interpreter_id"}
        ),
    },
    columns=(
        Column("code_interpreter_id", Str, "codeInterpreterId"),
        Column("status", Str, "status", ""),
        Column("created_at", Timestamp, "createdAt"),
        Column(
            "network_mode",
            Enum("PUBLIC", "SANDBOX", "VPC"),
            "described.networkConfiguration.networkMode",
            "SANDBOX",
            doc="PUBLIC: it reaches the internet.",
        ),
        Column(
            "execution_role_arn",
            Str,
            "described.executionRoleArn",
            "",
            doc="The role whose credentials its code has; empty: none.",
        ),
    ),
)

TABLES = (code_interpreter,)
