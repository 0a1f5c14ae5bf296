"""Which actions of a service are API calls of that name: the others (permission only) make no event."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

# Prefix of actions -> botocore's services, where they are called otherwise.
_SERVICES: Final = {
    "access-analyzer": ("accessanalyzer",),
    "aps": ("amp",),
    "aws-marketplace": (),
    "cassandra": ("keyspaces",),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elb", "elbv2"),
    "elasticmapreduce": ("emr",),
    "es": ("es", "opensearch"),
    "kinesisanalytics": ("kinesisanalytics", "kinesisanalyticsv2"),
    "mobiletargeting": ("pinpoint",),
    "s3": ("s3", "s3control"),
    "servicecatalog": ("servicecatalog", "servicecatalog-appregistry"),
    "ses": ("ses", "sesv2"),
    "sso": ("sso-admin", "sso"),
    "states": ("stepfunctions",),
    "tag": ("resourcegroupstaggingapi",),
    "timestream": ("timestream-write", "timestream-query"),
}


@lru_cache(maxsize=256)
def operations(service: str) -> frozenset[str] | None:
    """The names (in lower case) of a service's actions that its calls ask for; None where no model tells.

    Reads botocore's models of the service, some tens of milliseconds each.
    """
    from botocore.exceptions import UnknownServiceError

    from partywall.analysis.iam.usage_actions import events_of
    from partywall.tables.lint import service_model

    found: set[str] = set()
    for name in _SERVICES.get(service, (service,)):
        try:
            found |= {operation.lower() for operation in service_model(name).operation_names}
        except UnknownServiceError:
            continue
    return frozenset(found | events_of(service)) if found else None
