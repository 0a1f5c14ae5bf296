"""Production's rarer corners: Lightsail, vaults, Outposts, Snow, special databases, waiting maintenance."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, allow, policy, tag_map, tags
from partywall.demo.fake_answers import FIRST_DAY, ago, digest


def _small_tags(desk: Desk) -> list[dict[str, str]]:
    return [{"key": k, "value": v} for k, v in tag_map("web", desk.name).items()]


def _lightsail(desk: Desk) -> None:
    def instance(name: str, cidrs: list[str], good: bool) -> dict[str, Any]:
        addon = {"name": "AutoSnapshot", "status": "Enabled", "snapshotTimeOfDay": "06:00"}
        return {
            "name": name,
            "arn": desk.arn("lightsail", f"Instance/{digest(name)}"),
            "createdAt": FIRST_DAY,
            "location": {"availabilityZone": f"{HOME}a", "regionName": HOME},
            "resourceType": "Instance",
            "tags": _small_tags(desk),
            "blueprintId": "debian_12" if good else "wordpress",
            "bundleId": "small_3_0",
            "addOns": [addon] if good else [],
            "publicIpAddress": "198.51.100.24",
            "isStaticIp": good,
            "state": {"code": 16, "name": "running"},
            "metadataOptions": {"state": "applied", "httpTokens": "required" if good else "optional"},
            "networking": {
                "ports": [{"fromPort": 22, "toPort": 22, "protocol": "tcp", "cidrs": cidrs, "ipv6Cidrs": []}]
            },
        }

    instances = [instance("status-page", ["203.0.113.7/32"], True), instance("blog", ["0.0.0.0/0"], False)]
    desk.put("lightsail", "GetInstances", {"instances": instances}, HOME)
    patch = {
        "action": "system-update",
        "description": "A new operating system update",
        "currentApplyDate": ago(-6),
    }
    databases = [
        {
            "name": name,
            "arn": desk.arn("lightsail", f"RelationalDatabase/{digest(name)}"),
            "createdAt": FIRST_DAY,
            "resourceType": "RelationalDatabase",
            "tags": _small_tags(desk),
            "engine": "mysql",
            "engineVersion": "8.0.40",
            "state": "available",
            "publiclyAccessible": not good,
            "backupRetentionEnabled": good,
            "pendingMaintenanceActions": [] if good else [patch],
        }
        for name, good in (("status-db", True), ("blog-db", False))
    ]
    desk.put("lightsail", "GetRelationalDatabases", {"relationalDatabases": databases}, HOME)


def _vaults(desk: Desk) -> None:
    vaults = [
        {
            "VaultARN": desk.arn("glacier", f"vaults/{name}"),
            "VaultName": name,
            "CreationDate": FIRST_DAY,
            "NumberOfArchives": 4120,
            "SizeInBytes": 88_000_000_000,
        }
        for name in ("customs-records", "old-mail")
    ]
    desk.put("glacier", "ListVaults", {"VaultList": vaults}, HOME)
    keep = policy({"Effect": "Deny", "Principal": "*", "Action": "glacier:DeleteArchive", "Resource": "*"})
    lock = {"Policy": keep, "State": "Locked", "CreationDate": FIRST_DAY}
    desk.put("glacier", "GetVaultLock", lock, HOME, {"vaultName": "customs-records"})
    shared = policy(allow("glacier:InitiateJob", desk.arn("glacier", "vaults/old-mail"), Principal="*"))
    desk.put(
        "glacier", "GetVaultAccessPolicy", {"policy": {"Policy": shared}}, HOME, {"vaultName": "old-mail"}
    )


def _on_premises(desk: Desk) -> None:
    """What stands at the customer's own sites: Outposts, a Snow device, storage gateways."""
    outposts = [
        {
            "OutpostId": f"op-{digest(name)[:17]}",
            "OwnerId": desk.account,
            "OutpostArn": desk.arn("outposts", f"outpost/op-{digest(name)[:17]}"),
            "SiteId": f"os-{digest('rotterdam')[:17]}",
            "Name": name,
            "LifeCycleStatus": "ACTIVE",
            "AvailabilityZone": f"{HOME}a",
            "SupportedHardwareType": hardware,
            "Tags": tag_map("port", desk.name),
        }
        for name, hardware in (("rotterdam-rack", "RACK"), ("felixstowe-server", "SERVER"))
    ]
    desk.put("outposts", "ListOutposts", {"Outposts": outposts}, HOME)
    rack = outposts[0]["OutpostId"]
    stored = {
        "OutpostArn": outposts[0]["OutpostArn"],
        "S3OutpostArn": desk.arn("s3-outposts", f"outpost/{rack}/s3"),
        "OutpostId": rack,
        "OwnerId": desk.account,
        "CapacityInBytes": 26_000_000_000_000,
    }
    desk.put("s3outposts", "ListOutpostsWithS3", {"Outposts": [stored]}, HOME)
    bucket = {
        "Bucket": "crane-video",
        "BucketArn": desk.arn("s3-outposts", f"outpost/{rack}/bucket/crane-video"),
        "PublicAccessBlockEnabled": True,
        "CreationDate": FIRST_DAY,
        "OutpostId": rack,
    }
    desk.put("s3control", "ListRegionalBuckets", {"RegionalBucketList": [bucket]}, HOME)
    job = {
        "JobId": "JID2f7c1a40-5d0e-4a51-9c11-3b1f6cfe2a01",
        "JobState": "WithCustomer",
        "JobType": "IMPORT",
        "SnowballType": "EDGE_S",
        "CreationDate": ago(24),
    }
    desk.put("snowball", "ListJobs", {"JobListEntries": [job]}, HOME)
    detail = {**job, "KmsKeyARN": desk.ids[f"key/data/{HOME}"]}
    desk.put("snowball", "DescribeJob", {"JobMetadata": detail}, HOME)
    gateways = [
        {
            "GatewayId": f"sgw-{number}2A8F1C7",
            "GatewayARN": desk.arn("storagegateway", f"gateway/sgw-{number}2A8F1C7"),
            "GatewayType": kind,
            "GatewayOperationalState": "ACTIVE",
            "GatewayName": name,
            "HostEnvironment": "VMWARE",
            "SoftwareVersion": "2.12.5" if good else "1.20.0",
            **({} if good else {"DeprecationDate": ago(20)}),
        }
        for number, (name, kind, good) in enumerate(
            (("depot-files", "FILE_S3", True), ("old-tapes", "VTL", False)), 1
        )
    ]
    desk.put("storagegateway", "ListGateways", {"Gateways": gateways}, HOME)
    for gateway in gateways:
        good = "DeprecationDate" not in gateway
        log = {"CloudWatchLogGroupARN": desk.arn("logs", "log-group:/gateways/depot-files")}
        told = {
            "GatewayARN": gateway["GatewayARN"],
            "GatewayState": "RUNNING",
            "EndpointType": "STANDARD",
            "LastSoftwareUpdate": ago(12 if good else 600),
            "Tags": tags("storage", desk.name),
            **(log if good else {"NextUpdateAvailabilityDate": ago(30)}),
        }
        when = {"GatewayARN": gateway["GatewayARN"]}
        desk.put("storagegateway", "DescribeGatewayInformation", told, HOME, when)


def _databases(desk: Desk) -> None:
    """Serverless and special databases: Aurora DSQL, Keyspaces, Timestream."""
    clusters = [(f"{digest(name)[:26]}", good) for name, good in (("bookings", True), ("quotes", False))]
    listed = [{"identifier": id_, "arn": desk.arn("dsql", f"cluster/{id_}")} for id_, _ in clusters]
    desk.put("dsql", "ListClusters", {"clusters": listed}, HOME)
    for id_, good in clusters:
        told = {
            "identifier": id_,
            "arn": desk.arn("dsql", f"cluster/{id_}"),
            "status": "ACTIVE",
            "creationTime": FIRST_DAY,
            "deletionProtectionEnabled": good,
            "tags": tag_map("shop", desk.name),
            "encryptionDetails": {"encryptionType": "AWS_OWNED_KMS_KEY", "encryptionStatus": "ENABLED"},
        }
        desk.put("dsql", "GetCluster", told, HOME, {"identifier": id_})
    space = desk.arn("cassandra", "/keyspace/positions/")
    spaces = [{"keyspaceName": "positions", "resourceArn": space, "replicationStrategy": "SINGLE_REGION"}]
    desk.put("keyspaces", "ListKeyspaces", {"keyspaces": spaces}, HOME)
    names = {"vessels": "ENABLED", "containers": "DISABLED"}
    found = [{"keyspaceName": "positions", "tableName": n, "resourceArn": f"{space}table/{n}"} for n in names]
    desk.put("keyspaces", "ListTables", {"tables": found}, HOME)
    for table in found:
        told = {
            **table,
            "status": "ACTIVE",
            "creationTimestamp": FIRST_DAY,
            "encryptionSpecification": {"type": "AWS_OWNED_KMS_KEY"},
            "pointInTimeRecovery": {"status": names[table["tableName"]]},
        }
        desk.put("keyspaces", "GetTable", told, HOME, {"tableName": table["tableName"]})
    series = {
        "Arn": desk.arn("timestream", "database/telemetry"),
        "DatabaseName": "telemetry",
        "TableCount": 3,
        "KmsKeyId": desk.ids[f"key/data/{HOME}"],
        "CreationTime": FIRST_DAY,
    }
    desk.put("timestream-write", "ListDatabases", {"Databases": [series]}, HOME)
    influx = [
        {
            "id": digest(name)[:10],
            "name": name,
            "arn": desk.arn("timestream-influxdb", f"db-instance/{digest(name)[:10]}"),
            "status": "AVAILABLE",
            "dbInstanceType": "db.influx.medium",
            "deploymentType": "SINGLE_AZ",
        }
        for name in ("crane-metrics", "old-metrics")
    ]
    desk.put("timestream-influxdb", "ListDbInstances", {"items": influx}, HOME)
    for one in influx:
        good = one["name"] == "crane-metrics"
        logs = {"s3Configuration": {"bucketName": "brightwater-prod-logs", "enabled": True}}
        told = {
            **one,
            "vpcSubnetIds": [desk.ids[f"subnet/main-private-a/{HOME}"]],
            "publiclyAccessible": not good,
            **({"logDeliveryConfiguration": logs} if good else {}),
        }
        desk.put("timestream-influxdb", "GetDbInstance", told, HOME, {"identifier": one["id"]})


def _analytics(desk: Desk) -> None:
    """EMR without machines, Lake Formation, QuickSight."""
    clusters = [
        {
            "id": digest(name)[:25],
            "name": name,
            "arn": desk.arn("emr-containers", f"/virtualclusters/{digest(name)[:25]}"),
            "state": "RUNNING",
            "containerProvider": {"type": "EKS", "id": eks, "info": {"eksInfo": {"namespace": "spark"}}},
            "createdAt": FIRST_DAY,
            "tags": tag_map("data", desk.name),
        }
        for name, eks in (("pricing-spark", "shop"),)
    ]
    desk.put("emr-containers", "ListVirtualClusters", {"virtualClusters": clusters}, HOME)
    listed: list[dict[str, Any]] = []
    for name, good in (("tariffs", True), ("try-out", False)):
        id_ = digest(name)[:16]
        basics = {
            "name": name,
            "arn": desk.arn("emr-serverless", f"/applications/{id_}"),
            "releaseLabel": "emr-7.9.0" if good else "emr-6.9.0",
            "type": "Spark",
            "state": "STARTED",
            "createdAt": FIRST_DAY,
            "updatedAt": ago(40),
        }
        listed.append({"id": id_, **basics})
        kept = {"managedPersistenceMonitoringConfiguration": {"enabled": good}}
        image = {"imageConfiguration": {"imageUri": f"{desk.account}.dkr.ecr.{HOME}.amazonaws.com/spark:1"}}
        told = {"applicationId": id_, **basics, "monitoringConfiguration": kept, **({} if good else image)}
        desk.put("emr-serverless", "GetApplication", {"application": told}, HOME, {"applicationId": id_})
    desk.put("emr-serverless", "ListApplications", {"applications": listed}, HOME)
    admin = {"DataLakePrincipalIdentifier": desk.ids["role/glue-etl"]}
    everyone = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
    lake = {
        "DataLakeAdmins": [admin],
        "CreateDatabaseDefaultPermissions": [],
        "CreateTableDefaultPermissions": [{"Principal": everyone, "Permissions": ["ALL"]}],
        "Parameters": {"CROSS_ACCOUNT_VERSION": "3"},
    }
    desk.put("lakeformation", "GetDataLakeSettings", {"DataLakeSettings": lake}, HOME)
    account = {
        "AccountName": "brightwater-reports",
        "Edition": "ENTERPRISE",
        "DefaultNamespace": "default",
        "NotificationEmail": "bi@brightwater.example",
        "PublicSharingEnabled": True,
        "TerminationProtectionEnabled": True,
    }
    desk.put("quicksight", "DescribeAccountSettings", {"AccountSettings": account, "Status": 200})
    desk.put("quicksight", "DescribeIpRestriction", {"AwsAccountId": desk.account, "Enabled": False})


def _maintenance(desk: Desk) -> None:
    """Updates that AWS has out and nobody has let in."""
    update = {
        "ClusterName": "geo-trial",
        "ServiceUpdateName": "memorydb-20260901",
        "ReleaseDate": ago(70),
        "Status": "available",
        "Type": "security-update",
        "Engine": "redis",
    }
    desk.put("memorydb", "DescribeServiceUpdates", {"ServiceUpdates": [update]}, HOME)
    configs = [
        {
            "ReplicationConfigIdentifier": "orders-to-lake",
            "ReplicationConfigArn": desk.arn(
                "dms", f"replication-config:{digest('orders-to-lake')[:26].upper()}"
            ),
            "ReplicationType": "cdc",
            "ComputeConfig": {"MultiAZ": True, "MaxCapacityUnits": 8},
            "ReplicationConfigCreateTime": FIRST_DAY,
        }
    ]
    desk.put("dms", "DescribeReplicationConfigs", {"ReplicationConfigs": configs}, HOME)


def seed_variants(desk: Desk) -> None:
    """Fill production with one good and one bad example of each service that few accounts use."""
    # botocore asks Timestream where to call, and believes the answer.
    found = {"Endpoints": [{"Address": desk.clients.url, "CachePeriodInMinutes": 1440}]}
    desk.put("timestream-write", "DescribeEndpoints", found)
    if desk.name != "production":
        return
    _lightsail(desk)
    _vaults(desk)
    _on_premises(desk)
    _databases(desk)
    _analytics(desk)
    _maintenance(desk)
