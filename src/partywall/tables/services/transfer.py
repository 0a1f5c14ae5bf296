"""AWS Transfer Family: servers and connectors."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Enum, List, Str, Table

server = Table(
    "transfer_server",
    service="transfer",
    scope="regional",
    resource_type="AWS::Transfer::Server",
    doc="A file transfer server.",
    rows=Call("transfer:ListServers", at="Servers"),
    arn="Arn",
    title="ServerId",
    tags="server.Tags",
    calls={"server": Call("transfer:DescribeServer", {"ServerId": "server_id"}, at="Server")},
    columns=(
        Column("server_id", Str, "ServerId"),
        Column("state", Str, "State", ""),
        Column("endpoint_type", Enum("PUBLIC", "VPC", "VPC_ENDPOINT"), "EndpointType", "PUBLIC"),
        Column("identity_provider_type", Str, "IdentityProviderType", "SERVICE_MANAGED"),
        Column("protocols", List(Str), "server.Protocols"),
        Column("security_policy", Str, "server.SecurityPolicyName", "TransferSecurityPolicy-2018-11"),
        Column("certificate", Str, "server.Certificate", ""),
        Column("logging_role", Str, "server.LoggingRole", ""),
        Column("log_destinations", List(Str), "server.StructuredLogDestinations"),
        Column("security_groups", List(Str), "server.EndpointDetails.SecurityGroupIds"),
    ),
)

connector = Table(
    "transfer_connector",
    service="transfer",
    scope="regional",
    resource_type="AWS::Transfer::Connector",
    doc="A connector: sends files to a partner's server.",
    rows=Call("transfer:ListConnectors", at="Connectors"),
    arn="Arn",
    title="ConnectorId",
    tags="connector.Tags",
    calls={"connector": Call("transfer:DescribeConnector", {"ConnectorId": "connector_id"}, at="Connector")},
    columns=(
        Column("connector_id", Str, "ConnectorId"),
        Column("url", Str, "Url", ""),
        Column("logging_role", Str, "connector.LoggingRole", "", doc="Empty: nothing is logged."),
        Column("security_policy", Str, "connector.SecurityPolicyName", ""),
        Column("encryption_algorithm", Str, "connector.As2Config.EncryptionAlgorithm", "", doc="Of AS2."),
        Column("signing_algorithm", Str, "connector.As2Config.SigningAlgorithm", "", doc="Of AS2."),
        Column("trusted_host_keys", List(Str), "connector.SftpConfig.TrustedHostKeys"),
    ),
)

TABLES = (server, connector)
