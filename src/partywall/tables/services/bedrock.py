"""Amazon Bedrock: the logging of model invocations, and guardrails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]
_STRENGTH = Enum("NONE", "LOW", "MEDIUM", "HIGH")


def _delivers(logging: Element) -> bool:
    return bool(logging.get("cloudWatchConfig") or logging.get("s3Config"))


def _acted_on(entities: list[Element]) -> list[str]:
    """Kinds of personal data about which a guardrail does more than tell."""
    return [str(e.get("type")) for e in entities if e.get("action") != "NONE"]


settings = Table(
    "bedrock_settings",
    service="bedrock",
    scope="regional",
    resource_type="AWS::::Account",
    doc="Bedrock in a Region of the account, one row. AWS has no ARN for it.",
    rows=Single(),
    arn="arn:{partition}:bedrock:{region}:{account_id}:settings",
    title="Bedrock in {region}",
    calls={"logging": Call("bedrock:GetModelInvocationLoggingConfiguration")},
    columns=(
        Column(
            "invocation_logging",
            Bool,
            "logging.loggingConfig",
            False,
            doc="Calls of models are logged to CloudWatch Logs or S3.",
            fn=_delivers,
        ),
        Column("log_group", Str, "logging.loggingConfig.cloudWatchConfig.logGroupName", ""),
        Column("log_bucket", Str, "logging.loggingConfig.s3Config.bucketName", ""),
        Column(
            "text_logging",
            Bool,
            "logging.loggingConfig.textDataDeliveryEnabled",
            False,
            doc="Prompts and completions are in the log, besides who called which model.",
        ),
        Column("image_logging", Bool, "logging.loggingConfig.imageDataDeliveryEnabled", False),
        Column("embedding_logging", Bool, "logging.loggingConfig.embeddingDataDeliveryEnabled", False),
    ),
)

guardrail = Table(
    "bedrock_guardrail",
    service="bedrock",
    scope="regional",
    resource_type="AWS::Bedrock::Guardrail",
    doc="A guardrail: what models are kept from being asked and from answering. Its working draft.",
    rows=Call("bedrock:ListGuardrails", {"maxResults": 100}, at="guardrails"),
    arn="arn",
    title="name",
    tags="tagging.tags",
    calls={
        "described": Call("bedrock:GetGuardrail", {"guardrailIdentifier": "guardrail_id"}),
        "tagging": Call("bedrock:ListTagsForResource", {"resourceARN": "arn"}),
    },
    columns=(
        Column("guardrail_id", Str, "id"),
        Column("status", Str, "status", ""),
        Column("version", Str, "version", "DRAFT"),
        Column("created_at", Timestamp, "createdAt"),
        Column(
            "content_filters",
            List(
                Struct(
                    Field(
                        "kind",
                        Enum("SEXUAL", "VIOLENCE", "HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK"),
                        "type",
                    ),
                    Field("input_strength", _STRENGTH, "inputStrength", "NONE"),
                    Field("output_strength", _STRENGTH, "outputStrength", "NONE"),
                    Field("input_enabled", Bool, "inputEnabled", True),
                    Field("input_action", Enum("BLOCK", "NONE"), "inputAction", "BLOCK"),
                )
            ),
            "described.contentPolicy.filters",
        ),
        Column("denied_topics", Int, "described.topicPolicy.topics", 0, fn=len),
        Column(
            "pii_entities",
            List(Str),
            "described.sensitiveInformationPolicy.piiEntities",
            doc="Kinds of personal data that are masked or blocked.",
            fn=_acted_on,
        ),
        Column("sensitive_patterns", Int, "described.sensitiveInformationPolicy.regexes", 0, fn=len),
        Column("kms_key_arn", Str, "described.kmsKeyArn", "", doc="Empty: a key that AWS owns."),
    ),
)

TABLES = (settings, guardrail)
