"""What AWS answers of services that few accounts use, and of waiting maintenance: mostly an empty list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partywall.demo.fake_defaults import empty
from partywall.demo.protocol import AwsError

if TYPE_CHECKING:
    from partywall.demo.fake import Asked

# Listings and tags of services that the demo fills by `Desk.put` alone.
_EMPTY: dict[str, str] = {
    "apprunner": "ListServices",
    "appstream": "DescribeFleets DescribeImages",
    "bedrock": "GetModelInvocationLoggingConfiguration ListGuardrails ListTagsForResource",
    "connect": "ListInstances ListInstanceStorageConfigs",
    "dms": "DescribePendingMaintenanceActions DescribeReplicationConfigs",
    "ds": "DescribeDirectories DescribeEventTopics DescribeLDAPSSettings ListLogSubscriptions "
    "ListTagsForResource",
    "dsql": "ListClusters",
    "emr-containers": "ListVirtualClusters",
    "emr-serverless": "ListApplications",
    "gamelift": "DescribeFleetAttributes DescribeFleetPortSettings ListTagsForResource",
    "glacier": "ListTagsForVault ListVaults",
    "keyspaces": "ListTables ListTagsForResource",
    "lightsail": "GetInstances GetRelationalDatabases",
    "memorydb": "DescribeServiceUpdates",
    "outposts": "ListOutposts",
    "s3outposts": "ListOutpostsWithS3",
    "snowball": "ListJobs",
    "storagegateway": "ListGateways",
    "timestream-influxdb": "ListDbInstances ListTagsForResource",
    "timestream-write": "ListDatabases ListTagsForResource",
}
_OPEN = [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}]
# What a Region is like before anyone has been in Lake Formation's console.
_LAKE: dict[str, Any] = {
    "DataLakeSettings": {
        "DataLakeAdmins": [],
        "ReadOnlyAdmins": [],
        "CreateDatabaseDefaultPermissions": _OPEN,
        "CreateTableDefaultPermissions": _OPEN,
        "Parameters": {"CROSS_ACCOUNT_VERSION": "4"},
        "AllowExternalDataFiltering": False,
        "AllowFullTableExternalDataAccess": False,
    }
}
_BROKERS: dict[str, Any] = {
    "BrokerEngineTypes": [
        {"EngineType": "ACTIVEMQ", "EngineVersions": [{"Name": "5.18"}, {"Name": "5.19"}]},
        {"EngineType": "RABBITMQ", "EngineVersions": [{"Name": "3.13"}, {"Name": "4.2"}]},
    ]
}


def _keyspaces(asked: Asked) -> dict[str, Any]:
    """Cassandra's own keyspaces are in every account."""
    names = ("system", "system_multiregion_info", "system_schema", "system_schema_mcs")
    return {
        "keyspaces": [
            {
                "keyspaceName": name,
                "resourceArn": asked.arn(f"/keyspace/{name}/", "cassandra"),
                "replicationStrategy": "SINGLE_REGION",
            }
            for name in names
        ]
    }


def _clusters(asked: Asked) -> dict[str, Any] | None:
    """moto's clusters with counts: of services, of machines (kept under `container_instances`) and of tasks
    (`running_tasks`)."""
    from moto.ecs.models import ecs_backends

    answer = asked.ask_moto()
    machines: dict[str, int] = asked.state.get("container_instances", {})
    tasks: dict[str, int] = asked.state.get("running_tasks", {})
    backend: Any = ecs_backends[asked.account][asked.region]
    for cluster in (answer or {}).get("clusters", []):
        own = [s for s in backend.services.values() if s.cluster_arn == cluster["clusterArn"]]
        cluster["activeServicesCount"] = sum(s.status == "ACTIVE" for s in own)
        cluster["registeredContainerInstancesCount"] = machines.get(cluster["clusterName"], 0)
        cluster["runningTasksCount"] = tasks.get(cluster["clusterName"], 0)
    return answer


def _platform(asked: Asked) -> dict[str, Any]:
    return {
        "PlatformDescription": {
            "PlatformArn": asked.params.get("PlatformArn", ""),
            "PlatformOwner": "AWSElasticBeanstalk",
            "PlatformStatus": "Ready",
            "PlatformBranchLifecycleState": "Supported",
        }
    }


def _refuse(code: str, message: str, status: int = 400) -> Any:
    def answer(_asked: Asked) -> Any:
        raise AwsError(code, message, status)

    return answer


def _closed_vault(asked: Asked) -> Any:
    raise AwsError("ResourceNotFoundException", f"No policy is set for {asked.params.get('vaultName')}", 404)


def _all() -> dict[str, dict[str, Any]]:
    answers: dict[str, dict[str, Any]] = {
        service: {name: empty(service, name) for name in names.split()} for service, names in _EMPTY.items()
    }
    answers["glacier"] |= {"GetVaultAccessPolicy": _closed_vault, "GetVaultLock": _closed_vault}
    answers["keyspaces"]["ListKeyspaces"] = _keyspaces
    answers["lakeformation"] = {"GetDataLakeSettings": _LAKE}
    answers["ecs"] = {"DescribeClusters": _clusters}
    answers["elasticbeanstalk"] = {"DescribePlatformVersion": _platform}
    answers["mq"] = {"DescribeBrokerEngineTypes": _BROKERS}
    unsigned = _refuse("ResourceNotFoundException", "There is no QuickSight subscription.", 404)
    answers["quicksight"] = {"DescribeAccountSettings": unsigned, "DescribeIpRestriction": unsigned}
    return answers


ANSWERS = _all()
