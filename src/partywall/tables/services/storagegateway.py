"""AWS Storage Gateway: gateways."""

from __future__ import annotations

from partywall.tables.spec import Bool, Call, Column, Enum, Str, Table, Timestamp

gateway = Table(
    "storagegateway_gateway",
    service="storagegateway",
    scope="regional",
    resource_type="AWS::StorageGateway::Gateway",
    doc="A gateway: an appliance, mostly on the customer's own machines, in front of AWS storage.",
    rows=Call("storagegateway:ListGateways", {"Limit": 100}, at="Gateways"),
    arn="GatewayARN",
    title="GatewayName",
    tags="detail.Tags",
    calls={"detail": Call("storagegateway:DescribeGatewayInformation", {"GatewayARN": "arn"})},
    columns=(
        Column("gateway_id", Str, "GatewayId"),
        Column("gateway_type", Str, "GatewayType", "", doc="FILE_S3, CACHED, VTL …"),
        Column("operational_state", Str, "GatewayOperationalState", "", doc="ACTIVE or DISABLED."),
        Column(
            "host_environment",
            Enum("VMWARE", "HYPER-V", "EC2", "KVM", "OTHER", "SNOWBALL"),
            "HostEnvironment",
            "OTHER",
            doc="Where the appliance runs; EC2 alone is in AWS.",
        ),
        Column("ec2_instance_id", Str, "Ec2InstanceId", ""),
        Column("software_version", Str, "SoftwareVersion", ""),
        Column("is_ending", Bool, "DeprecationDate", False, doc="AWS has set a day.", fn=bool),
        Column(
            "deprecated_at",
            Timestamp,
            "DeprecationDate",
            doc="From then on it gets no updates; NULL: AWS has set no day.",
        ),
        Column("state", Str, "detail.GatewayState", "", doc="RUNNING, SHUTDOWN, OFFLINE …"),
        Column("endpoint_type", Str, "detail.EndpointType", "STANDARD", doc="STANDARD, VPC or FIPS …"),
        Column("log_group_arn", Str, "detail.CloudWatchLogGroupARN", "", doc="Empty: it logs nowhere."),
        Column(
            "last_software_update_at",
            Timestamp,
            "detail.LastSoftwareUpdate",
            doc="NULL: it has never been updated.",
        ),
        Column(
            "update_waits",
            Bool,
            "detail.NextUpdateAvailabilityDate",
            False,
            doc="A software update waits for the gateway's window, or for the customer.",
            fn=bool,
        ),
    ),
)

TABLES = (gateway,)
