"""Databases, caches, search, warehouses and data pipelines."""

from __future__ import annotations

from typing import Any

from partywall.demo.desk import HOME, Desk, allow, policy, tags


def _relational(desk: Desk) -> None:
    rds = desk.at("rds")
    subnets = [desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"]
    rds.create_db_subnet_group(
        DBSubnetGroupName="main", DBSubnetGroupDescription="private", SubnetIds=subnets
    )
    rds.create_db_parameter_group(
        DBParameterGroupName="orders-pg16", DBParameterGroupFamily="postgres16", Description="orders"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="orders-pg16",
        Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}],
    )
    key = desk.ids[f"key/data/{HOME}"]
    good: dict[str, Any] = {
        "StorageEncrypted": True,
        "KmsKeyId": key,
        "MultiAZ": True,
        "BackupRetentionPeriod": 14,
        "DeletionProtection": True,
        "AutoMinorVersionUpgrade": True,
        "CopyTagsToSnapshot": True,
        "EnableIAMDatabaseAuthentication": True,
        "EnablePerformanceInsights": True,
        "EnableCloudwatchLogsExports": ["postgresql"],
        "DBParameterGroupName": "orders-pg16",
        "MonitoringInterval": 60,
        "MonitoringRoleArn": desk.ids["role/rds-monitoring"],
    }
    for name, engine, version, group, more in (
        ("orders", "postgres", "16.4", "orders-db", {**good, "PubliclyAccessible": False}),
        (
            "tracking",
            "postgres",
            "16.4",
            "orders-db",
            {"StorageEncrypted": True, "BackupRetentionPeriod": 7, "PubliclyAccessible": False},
        ),
        (
            "legacy-erp",
            "mysql",
            "5.7.44",
            "legacy-mysql-open",
            {
                "StorageEncrypted": False,
                "PubliclyAccessible": True,
                "BackupRetentionPeriod": 0,
                "AutoMinorVersionUpgrade": False,
            },
        ),
        (
            "reports-sql",
            "sqlserver-se",
            "15.00",
            "orders-db",
            {
                "StorageEncrypted": True,
                "PubliclyAccessible": False,
                "BackupRetentionPeriod": 1,
                "LicenseModel": "license-included",
            },
        ),
    ):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            Engine=engine,
            EngineVersion=version,
            DBInstanceClass="db.m6g.large",
            AllocatedStorage=100,
            MasterUsername="admin_user",
            MasterUserPassword="not-a-real-one",
            DBSubnetGroupName="main",
            VpcSecurityGroupIds=[desk.ids[f"sg/{group}/{HOME}"]],
            Tags=tags("shop", desk.name),
            **more,
        )
    for name, engine, version, more in (
        (
            "shop-aurora",
            "aurora-postgresql",
            "15.4",
            {
                "StorageEncrypted": True,
                "BackupRetentionPeriod": 35,
                "DeletionProtection": True,
                "EnableIAMDatabaseAuthentication": True,
            },
        ),
        ("analytics-aurora", "aurora-mysql", "8.0.mysql_aurora.3.04.0", {"StorageEncrypted": False}),
    ):
        rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine=engine,
            EngineVersion=version,
            MasterUsername="admin_user",
            MasterUserPassword="not-a-real-one",
            DBSubnetGroupName="main",
            Tags=tags("shop", desk.name),
            **more,
        )
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-1",
            DBClusterIdentifier=name,
            Engine=engine,
            DBInstanceClass="db.r6g.large",
            PubliclyAccessible=False,
        )
        rds.create_db_cluster_snapshot(
            DBClusterSnapshotIdentifier=f"{name}-before-upgrade", DBClusterIdentifier=name
        )
    for name in ("orders", "legacy-erp"):
        rds.create_db_snapshot(DBSnapshotIdentifier=f"{name}-2026-10", DBInstanceIdentifier=name)
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier="legacy-erp-2026-10", AttributeName="restore", ValuesToAdd=["all"]
    )
    rds.create_event_subscription(
        SubscriptionName="db-alerts",
        SnsTopicArn=desk.ids["topic/ops-alerts"],
        SourceType="db-instance",
        EventCategories=["failure", "maintenance"],
    )
    auth = [
        {
            "AuthScheme": "SECRETS",
            "SecretArn": desk.arn("secretsmanager", "secret:shop/orders-db"),
            "IAMAuth": "REQUIRED",
        }
    ]
    rds.create_db_proxy(
        DBProxyName="orders-proxy",
        EngineFamily="POSTGRESQL",
        Auth=auth,
        RequireTLS=False,
        RoleArn=desk.ids["role/rds-monitoring"],
        VpcSubnetIds=subnets,
    )
    update = {"Action": "system-update", "Description": "New Operating System update is available"}
    late = ("db:legacy-erp", "cluster:legacy-docs", "db:fraud-trial-1")
    waiting = [
        {"ResourceIdentifier": desk.arn("rds", name), "PendingMaintenanceActionDetails": [update]}
        for name in late
    ]
    desk.put("rds", "DescribePendingMaintenanceActions", {"PendingMaintenanceActions": waiting}, region=HOME)


def _tables(desk: Desk) -> None:
    dynamodb = desk.at("dynamodb")
    key = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    for name, more in (
        (
            "orders",
            {
                "SSESpecification": {
                    "Enabled": True,
                    "SSEType": "KMS",
                    "KMSMasterKeyId": desk.ids[f"key/data/{HOME}"],
                },
                "DeletionProtectionEnabled": True,
                "BillingMode": "PAY_PER_REQUEST",
            },
        ),
        ("sessions", {"BillingMode": "PAY_PER_REQUEST"}),
        ("legacy-tracking", {"ProvisionedThroughput": {"ReadCapacityUnits": 50, "WriteCapacityUnits": 50}}),
    ):
        dynamodb.create_table(TableName=name, Tags=tags("shop", desk.name), **key, **more)
    dynamodb.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.create_backup(TableName="sessions", BackupName="sessions-2026-09")


def _caches(desk: Desk) -> None:
    cache = desk.at("elasticache")
    subnets = [desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"]
    cache.create_cache_subnet_group(
        CacheSubnetGroupName="main", CacheSubnetGroupDescription="private", SubnetIds=subnets
    )
    cache.create_replication_group(
        ReplicationGroupId="sessions",
        ReplicationGroupDescription="web sessions",
        Engine="redis",
        CacheNodeType="cache.r6g.large",
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        TransitEncryptionEnabled=True,
        AtRestEncryptionEnabled=True,
        SnapshotRetentionLimit=7,
        AuthToken="not-a-real-one-at-all",
    )
    cache.create_replication_group(
        ReplicationGroupId="legacy-cache",
        ReplicationGroupDescription="portal",
        Engine="redis",
        CacheNodeType="cache.t3.small",
        NumCacheClusters=1,
        EngineVersion="5.0.6",
    )
    cache.create_cache_cluster(
        CacheClusterId="rates", Engine="memcached", CacheNodeType="cache.t3.micro", NumCacheNodes=1
    )
    cache.create_user(
        UserId="web", UserName="web", Engine="redis", AccessString="on ~* +@all", NoPasswordRequired=True
    )


def _search(desk: Desk) -> None:
    search = desk.at("opensearch")
    search.create_domain(
        DomainName="product-search",
        EngineVersion="OpenSearch_2.15",
        ClusterConfig={
            "InstanceType": "m6g.large.search",
            "InstanceCount": 3,
            "ZoneAwarenessEnabled": True,
            "DedicatedMasterEnabled": True,
            "DedicatedMasterCount": 3,
        },
        VPCOptions={
            "SubnetIds": [desk.ids[f"subnet/main-private-a/{HOME}"]],
            "SecurityGroupIds": [desk.ids[f"sg/search/{HOME}"]],
        },
        EncryptionAtRestOptions={"Enabled": True, "KmsKeyId": desk.ids[f"key/data/{HOME}"]},
        NodeToNodeEncryptionOptions={"Enabled": True},
        DomainEndpointOptions={"EnforceHTTPS": True, "TLSSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10"},
        AdvancedSecurityOptions={"Enabled": True, "InternalUserDatabaseEnabled": False},
        TagList=tags("shop", desk.name),
    )
    anyone = allow("es:*", desk.arn("es", "domain/legacy-logs/*"), Principal={"AWS": "*"})
    search.create_domain(
        DomainName="legacy-logs",
        EngineVersion="Elasticsearch_6.8",
        ClusterConfig={"InstanceType": "t3.small.search", "InstanceCount": 1},
        AccessPolicies=policy(anyone),
        EncryptionAtRestOptions={"Enabled": False},
        NodeToNodeEncryptionOptions={"Enabled": False},
        DomainEndpointOptions={"EnforceHTTPS": False, "TLSSecurityPolicy": "Policy-Min-TLS-1-0-2019-07"},
    )


def _warehouse(desk: Desk) -> None:
    redshift = desk.at("redshift")
    redshift.create_cluster_parameter_group(
        ParameterGroupName="warehouse", ParameterGroupFamily="redshift-1.0", Description="warehouse"
    )
    redshift.create_cluster_subnet_group(
        ClusterSubnetGroupName="main",
        Description="private",
        SubnetIds=[desk.ids[f"subnet/main-private-{z}/{HOME}"] for z in "ab"],
    )
    common = {
        "NodeType": "ra3.xlplus",
        "MasterUsername": "awsuser",
        "MasterUserPassword": "Not-a-real-0ne",
        "ClusterType": "multi-node",
        "NumberOfNodes": 2,
    }
    redshift.create_cluster(
        ClusterIdentifier="warehouse",
        Encrypted=True,
        KmsKeyId=desk.ids[f"key/data/{HOME}"],
        PubliclyAccessible=False,
        EnhancedVpcRouting=True,
        ClusterParameterGroupName="warehouse",
        ClusterSubnetGroupName="main",
        AutomatedSnapshotRetentionPeriod=14,
        Tags=tags("data", desk.name),
        **common,
    )
    redshift.create_cluster(
        ClusterIdentifier="legacy-dwh",
        Encrypted=False,
        PubliclyAccessible=True,
        DBName="dev",
        AutomatedSnapshotRetentionPeriod=0,
        AllowVersionUpgrade=False,
        **common,
    )


def _pipelines(desk: Desk) -> None:
    glue = desk.at("glue")
    glue.create_database(DatabaseInput={"Name": "telemetry"})
    glue.create_table(DatabaseName="telemetry", TableInput={"Name": "positions"})
    glue.create_crawler(
        Name="positions",
        Role=desk.ids["role/glue-etl"],
        DatabaseName="telemetry",
        Targets={"S3Targets": [{"Path": "s3://brightwater-telemetry-prod/positions"}]},
    )
    glue.create_job(
        Name="compact-positions",
        Role=desk.ids["role/glue-etl"],
        Command={"Name": "glueetl", "ScriptLocation": "s3://brightwater-build-artifacts/compact.py"},
    )
    athena = desk.at("athena")
    athena.create_work_group(
        Name="analysts",
        Configuration={
            "EnforceWorkGroupConfiguration": False,
            "ResultConfiguration": {"OutputLocation": "s3://brightwater-athena-results/"},
        },
    )
    kinesis = desk.at("kinesis")
    for name in ("positions", "clicks"):
        kinesis.create_stream(StreamName=name, ShardCount=2)
    kinesis.start_stream_encryption(
        StreamName="positions", EncryptionType="KMS", KeyId=desk.ids[f"key/data/{HOME}"]
    )
    desk.at("firehose").create_delivery_stream(
        DeliveryStreamName="clicks-to-s3",
        S3DestinationConfiguration={
            "RoleARN": desk.ids["role/glue-etl"],
            "BucketARN": "arn:aws:s3:::brightwater-telemetry-prod",
        },
    )
    desk.at("emr").run_job_flow(
        Name="route-planning",
        ReleaseLabel="emr-6.15.0",
        JobFlowRole="web-instance",
        ServiceRole="glue-etl",
        Instances={
            "InstanceCount": 1,
            "MasterInstanceType": "m5.xlarge",
            "KeepJobFlowAliveWhenNoSteps": True,
            "Ec2SubnetId": desk.ids[f"subnet/main-private-a/{HOME}"],
        },
    )


def seed_data(desk: Desk) -> None:
    """Fill production's data services; needs network, keys and topics. The sandbox has a table or two."""
    if desk.name == "production":
        _relational(desk)
        _tables(desk)
        _caches(desk)
        _search(desk)
        _warehouse(desk)
        _pipelines(desk)
    elif desk.name == "sandbox":
        desk.at("dynamodb", "eu-central-1").create_table(
            TableName="hackday",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        desk.at("rds").create_db_instance(
            DBInstanceIdentifier="try-out",
            Engine="postgres",
            EngineVersion="13.7",
            AllocatedStorage=20,
            DBInstanceClass="db.t3.micro",
            MasterUsername="admin_user",
            MasterUserPassword="not-a-real-one",
            PubliclyAccessible=True,
            StorageEncrypted=False,
            Tags=tags("sandbox", desk.name),
        )
