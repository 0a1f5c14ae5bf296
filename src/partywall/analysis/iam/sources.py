"""Which AWS services tell for whom they call: those that send aws:SourceArn or aws:SourceAccount.

IAM User Guide: The confused deputy problem; of each service its page "Cross-service confused deputy
prevention".
"""

from __future__ import annotations

import re
from typing import Final

_REGION: Final = re.compile(r"\.[a-z]{2}(?:-[a-z]+)+-\d(?=\.amazonaws\.)")

# Services whose guides show a role's trust policy with one of these keys.
_NAMES: Final = """
    airflow airflow-env amplify appflow application-autoscaling appstream autoscaling bedrock
    bedrock-agentcore chatbot cloudformation codebuild codepipeline cognito-idp comprehend config databrew
    datasync dms ecs-tasks eks-fargate-pods elasticmapreduce events firehose fis forecast grafana greengrass
    iot iotevents kafkaconnect kendra kinesisanalytics logs mediaconvert monitoring.rds osis-pipelines
    personalize pipes rds rekognition resource-groups sagemaker scheduler ses ssm states transcribe transfer
    vpc-flow-logs workspaces-web
"""
_ASSUMING: Final = frozenset(f"{name}.amazonaws.com" for name in _NAMES.split())


def tells_source(service: str, *, role: bool) -> bool:
    """Whether a service principal's calls can be bound by their source.

    `role`: its calls to assume a role, for which few do. On resources services are taken to do so: their
    guides ask for the keys wherever a resource-based policy names them. `*` stands for any service.
    """
    if not role or service == "*":
        return True
    return _REGION.sub("", service).removesuffix(".cn") in _ASSUMING
