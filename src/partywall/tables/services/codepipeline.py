"""AWS CodePipeline: pipelines."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.secret_patterns import secret_variables
from partywall.tables.spec import (
    Call,
    Column,
    Enum,
    Field,
    List,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

Element = Mapping[str, Any]


def _actions(stages: list[Element]) -> list[dict[str, Any]]:
    return [
        {"stage": stage.get("name", ""), **action}
        for stage in stages
        for action in stage.get("actions") or ()
    ]


def _keys(pipeline: Element) -> list[str]:
    """The keys of the artifact stores, one entry each; "" where a store names none."""
    single = pipeline.get("artifactStore")
    stores = [single] if single else list((pipeline.get("artifactStores") or {}).values())
    return [str((s.get("encryptionKey") or {}).get("id", "")) for s in stores]


pipeline = Table(
    "codepipeline_pipeline",
    service="codepipeline",
    scope="regional",
    resource_type="AWS::CodePipeline::Pipeline",
    doc="A pipeline. Values of its actions' settings are not kept.",
    rows=Call("codepipeline:ListPipelines", {"maxResults": 1000}, at="pipelines"),
    arn="arn:{partition}:codepipeline:{region}:{account_id}:{name}",
    title="name",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("codepipeline:pipeline"),
        "described": Call("codepipeline:GetPipeline", {"name": "name"}, at="pipeline"),
    },
    columns=(
        Column("pipeline_type", Enum("V1", "V2"), "pipelineType", "V1"),
        Column("updated_at", Timestamp, "updated"),
        Column("role_arn", Str, "described.roleArn", ""),
        Column(
            "artifact_store_keys",
            List(Str),
            "described",
            fn=_keys,
            doc="Key of each artifact store; empty text: the default key of S3.",
        ),
        Column(
            "actions",
            List(
                Struct(
                    Field("stage", Str, "stage", ""),
                    Field("name", Str, "name", ""),
                    Field("category", Str, "actionTypeId.category", ""),
                    Field("owner", Enum("AWS", "ThirdParty", "Custom"), "actionTypeId.owner", ""),
                    Field("provider", Str, "actionTypeId.provider", ""),
                    Field(
                        "secret_settings",
                        List(Str),
                        "configuration",
                        fn=lambda v: secret_variables({k: x for k, x in v.items() if set(str(x)) != {"*"}}),
                    ),
                )
            ),
            "described.stages",
            fn=_actions,
            doc="Its actions in order, with the names of settings that seem to hold credentials.",
        ),
    ),
)

TABLES = (pipeline,)
