"""What moto leaves out of less common services: DocumentDB in RDS, organization trails, composite alarms."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from partywall.demo.protocol import AwsError

if TYPE_CHECKING:
    from partywall.demo.fake import Asked


def _teach_documentdb() -> None:
    """Let moto's RDS keep DocumentDB clusters; AWS serves all three families by the one API."""
    from moto.rds.models import DBCluster, DBInstance
    from moto.rds.utils import ClusterEngine, DbInstanceEngine

    clusters: Any = ClusterEngine
    if "docdb" in clusters.list_cluster_engines():
        return
    instances: Any = DbInstanceEngine
    cluster: Any = DBCluster
    instance: Any = DBInstance
    engines, kinds = clusters.list_cluster_engines(), instances.valid_db_instance_engine()
    clusters.list_cluster_engines = lambda: [*engines, "docdb"]
    instances.valid_db_instance_engine = lambda: [*kinds, "docdb"]
    storage = cluster.default_allocated_storage
    cluster.default_allocated_storage = lambda engine, storage_type: storage(
        "neptune" if engine == "docdb" else engine, storage_type
    )
    for model in (cluster, instance):
        port = model.default_port
        model.default_port = lambda engine, port=port: 27017 if engine == "docdb" else port(engine)


def _create_cluster(_asked: Asked) -> None:
    _teach_documentdb()


def _organisation_trails(asked: Asked) -> list[Any]:
    """The trails of the management account that cover this member of its organization."""
    from moto.cloudtrail.models import cloudtrail_backends
    from moto.organizations.models import organizations_backends

    masters: Any = organizations_backends
    if asked.account not in masters.master_accounts:
        return []
    master, _ = masters.master_accounts[asked.account]
    if master == asked.account:
        return []
    backends: Any = cloudtrail_backends
    regions: Any = backends[master].values()
    return [trail for backend in regions for trail in backend.trails.values() if trail.is_org_trail]


def _trails(asked: Asked) -> dict[str, Any] | None:
    """moto's trails, with those of the organization that reach this Region, as a member sees them."""
    answer = asked.ask_moto()
    wanted = asked.params.get("trailNameList")
    if answer is None or asked.params.get("includeShadowTrails") is False:
        return answer
    for trail in _organisation_trails(asked):
        here = trail.is_multi_region or trail.region_name == asked.region
        if here and (not wanted or trail.arn in wanted):
            answer["trailList"].append(trail.description(include_region=True))
    return answer


def _organisation_trail(asked: Asked, name: str) -> Any:
    arn = asked.params.get(name)
    return next((trail for trail in _organisation_trails(asked) if trail.arn == arn), None)


def _trail_status(asked: Asked) -> dict[str, Any] | None:
    trail = _organisation_trail(asked, "Name")
    return None if trail is None else {"IsLogging": trail.status.is_logging}


def _trail_selectors(asked: Asked) -> dict[str, Any] | None:
    trail = _organisation_trail(asked, "TrailName")
    if trail is None:
        return None
    selectors, advanced = trail.get_event_selectors()
    default = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    chosen = {"AdvancedEventSelectors": advanced} if advanced else {"EventSelectors": selectors or [default]}
    return {"TrailARN": trail.arn, **chosen}


def _trail_insights(asked: Asked) -> dict[str, Any] | None:
    if "TrailName" not in asked.params:
        raise AwsError("InvalidParameterCombinationException", "Name a trail or an event data store.")
    trail = _organisation_trail(asked, "TrailName")
    if trail is None:
        return None
    if not trail.get_insight_selectors():
        raise AwsError("InsightNotEnabledException", f"Trail {trail.arn} does not have Insights enabled.")
    return {"TrailARN": trail.arn, "InsightSelectors": trail.get_insight_selectors()}


_ALARM = {
    "alarm_actions": ("AlarmActions", []),
    "description": ("AlarmDescription", None),
    "insufficient_data_actions": ("InsufficientDataActions", []),
    "name": ("AlarmName", ""),
    "ok_actions": ("OKActions", []),
    "rule": ("AlarmRule", ""),
    "tags": ("Tags", []),
}


def _put_composite_alarm(asked: Asked) -> dict[str, Any]:
    """Keep it among moto's alarms, which tell those with a rule apart but have no operation to make them."""
    from moto.cloudwatch.models import cloudwatch_backends

    backend: Any = cloudwatch_backends[asked.account][asked.region]
    given = {name: asked.params.get(key, default) for name, (key, default) in _ALARM.items()}
    absent = inspect.signature(backend.put_metric_alarm).parameters.keys() - given.keys()
    made = dict.fromkeys(absent) | given | {"dimensions": []}
    backend.put_metric_alarm(**made | {"actions_enabled": asked.params.get("ActionsEnabled", True)})
    return {}


def _vaults(asked: Asked) -> dict[str, Any] | None:
    """moto's vaults with how many recovery points they hold, kept under `recovery_points` by vault."""
    answer = asked.ask_moto()
    kept: dict[str, int] = asked.state.get("recovery_points", {})
    for vault in (answer or {}).get("BackupVaultList", []):
        vault["NumberOfRecoveryPoints"] = kept.get(vault["BackupVaultName"], 0)
    return answer


def _cluster(asked: Asked) -> dict[str, Any] | None:
    """moto's cluster with what it drops of it, kept under `clusters` by name."""
    answer = asked.ask_moto()
    if answer is not None:
        answer["cluster"] |= asked.state.get("clusters", {}).get(asked.params["name"], {})
    return answer


_KAFKA_VERSIONS = {"2.2.1": "DEPRECATED", "2.8.1": "DEPRECATED", "3.6.0": "ACTIVE", "3.7.x": "ACTIVE"}
_MAIL_ACCOUNT = {
    "DedicatedIpAutoWarmupEnabled": False,
    "EnforcementStatus": "HEALTHY",
    "ProductionAccessEnabled": False,
    "SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0},
    "SendingEnabled": True,
    "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
}


def _missing(code: str, message: str, status: int = 400) -> Any:
    def refuse(_asked: Asked) -> Any:
        raise AwsError(code, message, status)

    return refuse


ANSWERS: dict[str, dict[str, Any]] = {
    "backup": {"ListBackupVaults": _vaults},
    "cloudtrail": {
        "DescribeTrails": _trails,
        "GetEventSelectors": _trail_selectors,
        "GetInsightSelectors": _trail_insights,
        "GetTrailStatus": _trail_status,
        "GetResourcePolicy": _missing("ResourcePolicyNotFoundException", "No resource policy exists."),
    },
    "cloudwatch": {"PutCompositeAlarm": _put_composite_alarm},
    "cognito-idp": {"DescribeRiskConfiguration": {"RiskConfiguration": {}}},
    "cognito-identity": {
        "GetIdentityPoolRoles": lambda asked: {"IdentityPoolId": asked.params["IdentityPoolId"], "Roles": {}}
    },
    "eks": {"DescribeCluster": _cluster},
    "elasticbeanstalk": {"DescribeConfigurationSettings": {"ConfigurationSettings": []}},
    "guardduty": {"ListMalwareProtectionPlans": {"MalwareProtectionPlans": []}},
    "health": {"DescribeEvents": {"events": []}},
    "kafka": {
        "ListKafkaVersions": {
            "KafkaVersions": [{"Version": v, "Status": state} for v, state in _KAFKA_VERSIONS.items()]
        }
    },
    "rds": {"CreateDBCluster": _create_cluster},
    "s3": {"ListDirectoryBuckets": {"Buckets": []}},
    "securitylake": {"ListDataLakes": {"dataLakes": []}},
    "sesv2": {"GetAccount": _MAIL_ACCOUNT},
    "workspaces": {"DescribeWorkspacesConnectionStatus": {"WorkspacesConnectionStatus": []}},
    "xray": {"GetEncryptionConfig": {"EncryptionConfig": {"Status": "ACTIVE", "Type": "NONE"}}},
}
