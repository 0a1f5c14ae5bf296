"""Data services off the beaten track: DocumentDB, Neptune, DAX, MSK, MemoryDB, DMS and serverless ones."""

from __future__ import annotations

import json
from typing import Any

from partywall.demo.desk import HOME, Desk, allow, policy, tag_map, tags
from partywall.demo.fake_answers import ago

_PASSWORD = "not-a-real-one"


def _cluster_databases(desk: Desk) -> None:
    """DocumentDB and Neptune, whose clusters RDS lists among its own."""
    rds = desk.at("rds")
    for family, name, values in (
        ("docdb5.0", "catalog-docs", {"tls": "enabled", "audit_logs": "enabled"}),
        ("docdb3.6", "legacy-docs", {"tls": "disabled"}),
        ("aurora-postgresql15", "shop-aurora", {"rds.force_ssl": "1"}),
    ):
        rds.create_db_cluster_parameter_group(
            DBClusterParameterGroupName=name, DBParameterGroupFamily=family, Description=name
        )
        rds.modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=name,
            Parameters=[
                {"ParameterName": k, "ParameterValue": v, "ApplyMethod": "pending-reboot"}
                for k, v in values.items()
            ],
        )
    key = desk.ids[f"key/data/{HOME}"]
    good: dict[str, Any] = {
        "StorageEncrypted": True,
        "KmsKeyId": key,
        "BackupRetentionPeriod": 14,
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        "DBSubnetGroupName": "main",
        "AvailabilityZones": [f"{HOME}a", f"{HOME}b", f"{HOME}c"],
        "Tags": tags("data", desk.name),
    }
    docs: dict[str, Any] = {
        **good,
        "EnableCloudwatchLogsExports": ["audit", "profiler"],
        "DBClusterParameterGroupName": "catalog-docs",
    }
    graph: dict[str, Any] = {**good, "EnableCloudwatchLogsExports": ["audit"]}
    plain: dict[str, Any] = {"StorageEncrypted": False, "BackupRetentionPeriod": 1}
    for name, engine, version, more, shared in (
        ("catalog-docs", "docdb", "5.0.0", docs, []),
        (
            "legacy-docs",
            "docdb",
            "3.6.0",
            {**plain, "DBClusterParameterGroupName": "legacy-docs", "DBSubnetGroupName": "main"},
            ["all"],
        ),
        ("routes-graph", "neptune", "1.3.2.1", graph, []),
        ("fraud-trial", "neptune", "1.2.0.2", {**plain, "DBSubnetGroupName": "legacy"}, ["all"]),
    ):
        rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine=engine,
            EngineVersion=version,
            MasterUsername="docs_owner",
            MasterUserPassword=_PASSWORD,
            **more,
        )
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-1",
            DBClusterIdentifier=name,
            Engine=engine,
            DBInstanceClass="db.r6g.large",
            DBSubnetGroupName=more["DBSubnetGroupName"],
            PubliclyAccessible=name == "fraud-trial",
        )
        snapshot = f"{name}-2026-10"
        rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=snapshot, DBClusterIdentifier=name)
        if shared:
            rds.modify_db_cluster_snapshot_attribute(
                DBClusterSnapshotIdentifier=snapshot, AttributeName="restore", ValuesToAdd=shared
            )
    rds.modify_db_cluster(
        DBClusterIdentifier="routes-graph", EnableIAMDatabaseAuthentication=True, ApplyImmediately=True
    )


def _relational_extras(desk: Desk) -> None:
    rds = desk.at("rds")
    rds.create_db_subnet_group(
        DBSubnetGroupName="legacy",
        DBSubnetGroupDescription="what the trial needed",
        SubnetIds=[desk.ids[f"subnet/legacy-public-{z}/{HOME}"] for z in "ab"],
    )
    rds.create_option_group(
        OptionGroupName="erp-mysql57",
        EngineName="mysql",
        MajorEngineVersion="5.7",
        OptionGroupDescription="audit plug-in for the ERP",
    )
    rds.create_db_proxy(
        DBProxyName="tracking-proxy",
        EngineFamily="POSTGRESQL",
        Auth=[{"AuthScheme": "SECRETS", "IAMAuth": "REQUIRED"}],
        RequireTLS=True,
        RoleArn=desk.ids["role/rds-monitoring"],
        VpcSubnetIds=[desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
    )
    topic = desk.ids["topic/ops-alerts"]
    for source in ("db-cluster", "db-parameter-group", "db-security-group"):
        rds.create_event_subscription(
            SubscriptionName=f"{source}-changes",
            SnsTopicArn=topic,
            SourceType=source,
            EventCategories=["maintenance", "failure"]
            if source == "db-cluster"
            else ["configuration change"],
        )


def _caches(desk: Desk) -> None:
    dax = desk.at("dax")
    for name, nodes, sse, endpoint in (("orders", 3, True, "TLS"), ("legacy-tracking", 1, False, "NONE")):
        dax.create_cluster(
            ClusterName=name,
            NodeType="dax.r5.large",
            ReplicationFactor=nodes,
            IamRoleArn=desk.ids["role/glue-etl"],
            SSESpecification={"Enabled": sse},
            ClusterEndpointEncryptionType=endpoint,
            Tags=tags("shop", desk.name),
        )
    memory = desk.at("memorydb")
    memory.create_subnet_group(
        SubnetGroupName="main",
        SubnetIds=[desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
    )
    for name, acl, good in (("carts", "shop", True), ("geo-trial", "open-access", False)):
        memory.create_cluster(
            ClusterName=name,
            NodeType="db.r6g.large",
            ACLName=acl,
            SubnetGroupName="main",
            TLSEnabled=good,
            AutoMinorVersionUpgrade=good,
            SnapshotRetentionLimit=7 if good else 0,
            EngineVersion="7.1" if good else "6.2",
            SecurityGroupIds=[desk.ids[f"sg/cache/{HOME}"]],
            Tags=tags("shop", desk.name),
        )
    memory.create_user(
        UserName="shop",
        AccessString="on ~* +@all",
        AuthenticationMode={"Type": "password", "Passwords": ["not-a-real-one-at-all"]},
    )
    caches = [
        {
            "ServerlessCacheName": name,
            "ARN": desk.arn("elasticache", f"serverlesscache:{name}"),
            "Status": "available",
            "Engine": engine,
            "MajorEngineVersion": "8",
            "FullEngineVersion": "8.0",
            "KmsKeyId": desk.ids[f"key/data/{HOME}"],
            "UserGroupId": group,
            "SnapshotRetentionLimit": 7 if group else 0,
            "SubnetIds": [desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
            "SecurityGroupIds": [desk.ids[f"sg/cache/{HOME}"]],
            "CreateTime": ago(90),
        }
        for name, engine, group in (("web-pages", "valkey", "web"), ("quotes", "redis", ""))
    ]
    desk.put("elasticache", "DescribeServerlessCaches", {"ServerlessCaches": caches}, HOME)


def _streams(desk: Desk) -> None:
    """Kafka: moto keeps neither encryption nor logging of a cluster."""
    subnets = [desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"]
    secure: dict[str, Any] = {
        "EncryptionInTransit": {"ClientBroker": "TLS", "InCluster": True},
        "EncryptionAtRest": {"DataVolumeKMSKeyId": desk.ids[f"key/data/{HOME}"]},
    }
    loose: dict[str, Any] = {"EncryptionInTransit": {"ClientBroker": "TLS_PLAINTEXT", "InCluster": False}}
    iam = {"Sasl": {"Iam": {"Enabled": True}}, "Unauthenticated": {"Enabled": False}}
    anyone = {"Sasl": {"Iam": {"Enabled": False}}, "Unauthenticated": {"Enabled": True}}
    log_group = {"CloudWatchLogs": {"Enabled": True, "LogGroup": "/msk/positions"}}
    clusters: list[dict[str, Any]] = []
    for name, version, encryption, who, monitoring, public, logs in (
        ("positions", "3.7.x", secure, iam, "PER_TOPIC_PER_BROKER", "DISABLED", log_group),
        ("legacy-edi", "2.2.1", loose, anyone, "DEFAULT", "SERVICE_PROVIDED_EIPS", {}),
    ):
        clusters.append(
            {
                "ClusterArn": desk.arn("kafka", f"cluster/{name}/0a1b2c3d-1111-4222-8333-0123456789ab-5"),
                "ClusterName": name,
                "ClusterType": "PROVISIONED",
                "State": "ACTIVE",
                "CreationTime": ago(700),
                "CurrentVersion": "K2EUQ1WTGCTBG2",
                "Tags": tag_map("telemetry", desk.name),
                "Provisioned": {
                    "BrokerNodeGroupInfo": {
                        "ClientSubnets": subnets,
                        "InstanceType": "kafka.m5.large",
                        "SecurityGroups": [desk.ids[f"sg/web/{HOME}"]],
                        "ConnectivityInfo": {"PublicAccess": {"Type": public}},
                    },
                    "CurrentBrokerSoftwareInfo": {"KafkaVersion": version},
                    "ClientAuthentication": who,
                    "EncryptionInfo": encryption,
                    "EnhancedMonitoring": monitoring,
                    "NumberOfBrokerNodes": 2,
                    "LoggingInfo": {"BrokerLogs": logs},
                },
            }
        )
    desk.put("kafka", "ListClustersV2", {"ClusterInfoList": clusters}, HOME)
    partner = allow("kafka:CreateVpcConnection", Principal={"AWS": "*"})
    legacy = clusters[1]["ClusterArn"]
    desk.put(
        "kafka", "GetClusterPolicy", {"CurrentVersion": "K1", "Policy": policy(partner)}, HOME,
        {"ClusterArn": legacy},
    )  # fmt: skip
    connectors = [
        {
            "connectorArn": desk.arn("kafkaconnect", f"connector/{name}/1f2e3d4c"),
            "connectorName": name,
            "connectorState": "RUNNING",
            "creationTime": ago(400),
            "kafkaClusterEncryptionInTransit": {"encryptionType": "TLS" if good else "PLAINTEXT"},
            "kafkaClusterClientAuthentication": {"authenticationType": "IAM" if good else "NONE"},
            "logDelivery": {
                "workerLogDelivery": {"cloudWatchLogs": {"enabled": good, "logGroup": "/msk/connect"}}
            },
            "serviceExecutionRoleArn": desk.ids["role/glue-etl"],
        }
        for name, good in (("positions-to-s3", True), ("edi-out", False))
    ]
    desk.put("kafkaconnect", "ListConnectors", {"connectors": connectors}, HOME)


def _migrations(desk: Desk) -> None:
    dms = desk.at("dms")
    dms.create_replication_subnet_group(
        ReplicationSubnetGroupIdentifier="main",
        ReplicationSubnetGroupDescription="private",
        SubnetIds=[desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
    )
    instances: dict[str, str] = {}
    for name, good in (("orders-cdc", True), ("erp-move-2021", False)):
        instances[name] = dms.create_replication_instance(
            ReplicationInstanceIdentifier=name,
            ReplicationInstanceClass="dms.t3.medium",
            AllocatedStorage=50,
            EngineVersion="3.5.4" if good else "3.4.6",
            ReplicationSubnetGroupIdentifier="main",
            PubliclyAccessible=not good,
            MultiAZ=good,
            AutoMinorVersionUpgrade=good,
            Tags=tags("data", desk.name),
        )["ReplicationInstance"]["ReplicationInstanceArn"]
    ends: dict[str, str] = {}
    endpoints: list[tuple[str, str, str, dict[str, Any]]] = [
        ("orders", "source", "postgres", {"SslMode": "verify-full"}),
        ("erp", "source", "mysql", {"SslMode": "none"}),
        ("sessions", "target", "redis", {"RedisSettings": {"SslSecurityProtocol": "ssl-encryption"}}),
        ("cache", "target", "redis", {"RedisSettings": {"SslSecurityProtocol": "plaintext"}}),
        ("docs", "source", "mongodb", {"SslMode": "require", "MongoDbSettings": {"AuthType": "password"}}),
        ("edi", "source", "mongodb", {"SslMode": "none", "MongoDbSettings": {"AuthType": "no"}}),
        ("events", "target", "kafka", {"KafkaSettings": {"SecurityProtocol": "sasl-ssl"}}),
        ("edi-events", "target", "kafka", {"KafkaSettings": {"SecurityProtocol": "plaintext"}}),
        ("routes", "target", "neptune", {"NeptuneSettings": {"IamAuthEnabled": True}}),
        ("fraud", "target", "neptune", {"NeptuneSettings": {"IamAuthEnabled": False}}),
    ]
    for name, kind, engine, more in endpoints:
        for settings in ("RedisSettings", "KafkaSettings", "NeptuneSettings"):
            if settings in more:
                more[settings] |= {
                    "RedisSettings": {"ServerName": f"{name}.brightwater.example", "Port": 6379},
                    "KafkaSettings": {"Broker": f"{name}.brightwater.example:9092"},
                    "NeptuneSettings": {"S3BucketName": "brightwater-telemetry-prod", "S3BucketFolder": name},
                }[settings]
        ends[name] = dms.create_endpoint(
            EndpointIdentifier=name,
            EndpointType=kind,
            EngineName=engine,
            ServerName=f"{name}.brightwater.example",
            Username="dms",
            Tags=tags("data", desk.name),
            **more,
        )["Endpoint"]["EndpointArn"]
    components = ("SOURCE_CAPTURE", "SOURCE_UNLOAD", "TARGET_APPLY", "TARGET_LOAD")
    logging = {
        "EnableLogging": True,
        "LogComponents": [{"Id": c, "Severity": "LOGGER_SEVERITY_DEFAULT"} for c in components],
    }
    for name, source, target, settings in (
        ("orders-cdc", "orders", "events", logging),
        ("erp-move-2021", "erp", "cache", {"EnableLogging": False}),
    ):
        dms.create_replication_task(
            ReplicationTaskIdentifier=name,
            SourceEndpointArn=ends[source],
            TargetEndpointArn=ends[target],
            ReplicationInstanceArn=instances[name],
            MigrationType="full-load-and-cdc",
            TableMappings="{}",
            ReplicationTaskSettings=json.dumps({"Logging": settings}),
            Tags=tags("data", desk.name),
        )
    certificates = [
        {
            "CertificateIdentifier": name,
            "CertificateArn": desk.arn("dms", f"cert:{name.upper()}"),
            "CertificateCreationDate": ago(900),
            "ValidFromDate": ago(900),
            "ValidToDate": ago(days),
            "KeyLength": 2048,
            "SigningAlgorithm": "SHA256withRSA",
        }
        for name, days in (("orders-ca", -800), ("erp-ca", 60))
    ]
    desk.put("dms", "DescribeCertificates", {"Certificates": certificates}, HOME)


def _pipelines(desk: Desk) -> None:
    glue = desk.at("glue")
    key = desk.ids[f"key/data/{HOME}"]
    glue.create_security_configuration(
        Name="encrypted",
        EncryptionConfiguration={
            "S3Encryption": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": key}],
            "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": key},
            "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "CSE-KMS", "KmsKeyArn": key},
        },
    )
    secret = desk.arn("secretsmanager", "secret:data/redshift-admin")
    url = "jdbc:redshift://warehouse.brightwater.example:5439/telemetry"
    for name, more in (
        ("warehouse", {"JDBC_ENFORCE_SSL": "true", "SECRET_ID": secret}),
        (
            "erp-mysql",
            {"JDBC_ENFORCE_SSL": "false", "USERNAME": "etl", "PASSWORD": _PASSWORD},
        ),
    ):
        properties = {"JDBC_CONNECTION_URL": url, **more}
        glue.create_connection(
            ConnectionInput={"Name": name, "ConnectionType": "JDBC", "ConnectionProperties": properties}
        )
    for name, more in (("etl-notebook", {"SecurityConfiguration": "encrypted"}), ("scratch", {})):
        glue.create_dev_endpoint(EndpointName=name, RoleArn=desk.ids["role/glue-etl"], **more)
    for name, mode in (("same-customer", "SSE-KMS"), ("same-address-trial", "DISABLED")):
        glue.create_ml_transform(
            Name=name,
            InputRecordTables=[{"DatabaseName": "telemetry", "TableName": "positions"}],
            Parameters={"TransformType": "FIND_MATCHES"},
            Role=desk.ids["role/glue-etl"],
            GlueVersion="2.0",
            TransformEncryption={"MlUserDataEncryption": {"MlUserDataEncryptionMode": mode}},
        )
    emr = desk.at("emr")
    at_rest = {
        "S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"},
        "LocalDiskEncryptionConfiguration": {"EncryptionKeyProviderType": "AwsKms", "AwsKmsKey": key},
    }
    in_transit = {
        "TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": "s3://c/c.zip"}
    }
    for name, encryption in (
        (
            "route-planning",
            {
                "EnableAtRestEncryption": True,
                "AtRestEncryptionConfiguration": at_rest,
                "EnableInTransitEncryption": True,
                "InTransitEncryptionConfiguration": in_transit,
            },
        ),
        ("none-2019", {"EnableAtRestEncryption": False, "EnableInTransitEncryption": False}),
    ):
        emr.create_security_configuration(
            Name=name, SecurityConfiguration=json.dumps({"EncryptionConfiguration": encryption})
        )
    athena = desk.at("athena")
    athena.create_work_group(
        Name="finance",
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "PublishCloudWatchMetricsEnabled": True,
            "ResultConfiguration": {
                "OutputLocation": "s3://brightwater-athena-results/finance/",
                "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": key},
            },
        },
        Tags=tags("finance", desk.name),
    )


def _search(desk: Desk) -> None:
    search = desk.at("opensearchserverless")
    names = ("shop-search", "open-demo")
    encryption = {"Rules": [{"ResourceType": "collection", "Resource": [f"collection/{n}" for n in names]}]}
    key = {"KmsARN": desk.ids[f"key/data/{HOME}"]}
    search.create_security_policy(name="data-key", type="encryption", policy=json.dumps(encryption | key))
    for name in names:
        search.create_collection(name=name, type="SEARCH", tags=[{"key": "team", "value": "shop"}])
    for name, public in (("shop-search", False), ("open-demo", True)):
        rule = {
            "Rules": [{"ResourceType": "collection", "Resource": [f"collection/{name}"]}],
            "AllowFromPublic": public,
            **({} if public else {"SourceVPCEs": ["vpce-050f79086ee71ac05"]}),
        }
        search.create_security_policy(name=name, type="network", policy=json.dumps([rule]))


def _warehouses(desk: Desk) -> None:
    namespaces = [
        {
            "namespaceName": name,
            "namespaceId": f"8d3c2a1b-0000-4000-8000-00000000000{number}",
            "namespaceArn": desk.arn("redshift-serverless", f"namespace/8d3c2a1b-{number}"),
            "adminUsername": "etl_owner" if good else "admin",
            "dbName": "telemetry" if good else "dev",
            "kmsKeyId": desk.ids[f"key/data/{HOME}"] if good else "AWS_OWNED_KMS_KEY",
            "logExports": ["connectionlog", "userlog", "useractivitylog"] if good else [],
            "status": "AVAILABLE",
            "creationDate": ago(300),
        }
        for number, (name, good) in enumerate((("reporting", True), ("try-serverless", False)))
    ]
    workgroups = [
        {
            "workgroupName": name,
            "workgroupId": f"5b6c7d8e-0000-4000-8000-00000000000{number}",
            "workgroupArn": desk.arn("redshift-serverless", f"workgroup/5b6c7d8e-{number}"),
            "namespaceName": name,
            "status": "AVAILABLE",
            "publiclyAccessible": not good,
            "enhancedVpcRouting": good,
            "port": 5439,
            "configParameters": [
                {"parameterKey": "require_ssl", "parameterValue": "true" if good else "false"}
            ],
            "subnetIds": [desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
            "securityGroupIds": [desk.ids[f"sg/orders-db/{HOME}"]],
            "creationDate": ago(300),
        }
        for number, (name, good) in enumerate((("reporting", True), ("try-serverless", False)))
    ]
    desk.put("redshift-serverless", "ListNamespaces", {"namespaces": namespaces}, HOME)
    desk.put("redshift-serverless", "ListWorkgroups", {"workgroups": workgroups}, HOME)
    values = [
        {"ParameterName": "require_ssl", "ParameterValue": "true", "Source": "user"},
        {"ParameterName": "enable_user_activity_logging", "ParameterValue": "true", "Source": "user"},
    ]
    desk.put(
        "redshift",
        "DescribeClusterParameters",
        {"Parameters": values},
        HOME,
        {"ParameterGroupName": "warehouse"},
    )


def seed_wide_data(desk: Desk) -> None:
    """Fill production's less common data services; needs networks, roles, keys, topics and buckets."""
    if desk.name != "production":
        return
    for step in (
        _relational_extras,
        _cluster_databases,
        _caches,
        _streams,
        _migrations,
        _pipelines,
        _search,
        _warehouses,
    ):
        step(desk)
