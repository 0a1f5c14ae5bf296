"""The log tables: their columns, with the names that AWS's own records use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import pyarrow as pa

# json is JSON text as it stood in the record; time is microseconds in UTC.
Kind = Literal["text", "json", "bool", "int", "float", "time"]

VERSION: Final = 1
"""Of the columns below; parts of another version are read by name."""
UNKNOWN: Final = "unknown"
"""The account, Region or date of a record that does not say it, or says no possible one."""


@dataclass(frozen=True, slots=True)
class LogColumn:
    """One column. NULL where the record lacks the field, or holds JSON null there."""

    name: str
    kind: Kind
    doc: str


@dataclass(frozen=True, slots=True)
class LogTable:
    """One log table. `time` is the column by which `since` and `until` choose."""

    name: str
    doc: str
    time: str
    columns: tuple[LogColumn, ...]

    def column(self, name: str) -> LogColumn:
        """The column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def names(self) -> frozenset[str]:
        """The names of its columns."""
        return frozenset(column.name for column in self.columns)

    def arrow(self) -> pa.Schema:
        """The schema of its Parquet files."""
        return _arrow(self.name)


def _of(kind: Kind, names: str, doc: str) -> tuple[LogColumn, ...]:
    return tuple(LogColumn(name, kind, doc) for name in names.split())


_PLACE: Final = (
    LogColumn(
        "id",
        "text",
        "By which a record is stored once: the eventID if it is a UUID, else a hash of the whole record;"
        " NULL for flow logs, whose records have none.",
    ),
    LogColumn("account", "text", "The account of the partition: 12 digits, or unknown."),
    LogColumn("region", "text", "The Region of the partition, or unknown."),
    LogColumn("date", "text", "The day of the partition in UTC, YYYY-MM-DD, or unknown."),
    LogColumn("source", "text", "The file, object or API that the record was read from."),
)

_IDENTITY = "userIdentity."
_SESSION = _IDENTITY + "sessionContext."
CLOUDTRAIL: Final = LogTable(
    "cloudtrail",
    "CloudTrail events of every category, one row an event. A field of a record is the column of its dotted"
    " path; what has no column of its own is in a JSON column, and all"
    " of it in raw.",
    "eventTime",
    (
        LogColumn("eventTime", "time", "When the call was made; NULL where the record's is no time."),
        *_of("text", "eventID eventName eventSource awsRegion recipientAccountId eventType", "As recorded."),
        *_of("text", "eventCategory eventVersion apiVersion requestID sharedEventID", "As recorded."),
        *_of("text", "sourceIPAddress userAgent errorCode errorMessage", "As recorded."),
        *_of("text", "vpcEndpointId vpcEndpointAccountId sessionCredentialFromConsole", "As recorded."),
        *_of("bool", "readOnly managementEvent", "As recorded."),
        *_of("text", _IDENTITY + "type", "Root, IAMUser, AssumedRole, AWSService, …"),
        *_of(
            "text",
            " ".join(
                _IDENTITY + name
                for name in (
                    "principalId",
                    "arn",
                    "accountId",
                    "accessKeyId",
                    "userName",
                    "invokedBy",
                    "identityProvider",
                    "credentialId",
                    "onBehalfOf.userId",
                    "onBehalfOf.identityStoreArn",
                )
            ),
            "As recorded.",
        ),
        *_of(
            "text",
            " ".join(
                _SESSION + name
                for name in (
                    "sessionIssuer.type",
                    "sessionIssuer.principalId",
                    "sessionIssuer.arn",
                    "sessionIssuer.accountId",
                    "sessionIssuer.userName",
                    "attributes.creationDate",
                    "attributes.mfaAuthenticated",
                    "sourceIdentity",
                    "ec2RoleDelivery",
                    "assumedRoot",
                    "webIdFederationData.federatedProvider",
                )
            ),
            'As recorded; mfaAuthenticated is the text "true" or "false".',
        ),
        *_of("text", "tlsDetails.tlsVersion tlsDetails.cipherSuite", "As recorded."),
        *_of("text", "tlsDetails.clientProvidedHostHeader", "As recorded."),
        *_of("json", "requestParameters responseElements additionalEventData", "JSON text."),
        *_of("json", "resources serviceEventDetails insightDetails edgeDeviceDetails addendum", "JSON text."),
        LogColumn(
            "issuedAccessKeyId",
            "text",
            "The access key that this call made: responseElements.credentials.accessKeyId of a session,"
            " responseElements.accessKey.accessKeyId of CreateAccessKey.",
        ),
        LogColumn("raw", "json", "The whole record, as read."),
        *_PLACE,
    ),
)

FLOW_TEXT: Final = (
    "interface_id srcaddr dstaddr action log_status vpc_id subnet_id instance_id type pkt_srcaddr pkt_dstaddr"
    " az_id sublocation_type sublocation_id pkt_src_aws_service pkt_dst_aws_service flow_direction"
    " ecs_cluster_arn ecs_cluster_name ecs_container_instance_arn ecs_container_instance_id ecs_container_id"
    " ecs_second_container_id ecs_service_name ecs_task_definition_arn ecs_task_arn ecs_task_id reject_reason"
)
FLOW_INT: Final = "version srcport dstport protocol packets bytes tcp_flags traffic_path"
VPC_FLOW: Final = LogTable(
    "vpc_flow",
    "VPC flow log records, versions 2 to 8. A field has AWS's name with _ for -; NULL where the format lacks"
    " it or the record has - there.",
    "start",
    (
        LogColumn("start", "time", "When the first packet of the flow was received in the interval."),
        LogColumn("end", "time", "When the last packet of the flow was received in the interval."),
        *_of("int", FLOW_INT, "As recorded."),
        *_of("text", "account_id " + FLOW_TEXT, "As recorded."),
        LogColumn("unmapped", "json", "Fields of the format that have no column, as a JSON object of text."),
        *_PLACE,
    ),
)

RESOLVER: Final = LogTable(
    "resolver_query",
    "Route 53 Resolver query logs, one row a query.",
    "query_timestamp",
    (
        LogColumn("query_timestamp", "time", "When the query was made."),
        *_of("text", "version account_id vpc_id query_name query_type query_class rcode", "As recorded."),
        *_of("text", "srcaddr srcport transport srcids.instance srcids.resolver_endpoint", "As recorded."),
        *_of("text", "srcids.resolver_network_interface firewall_rule_action", "As recorded."),
        *_of("text", "firewall_rule_group_id firewall_domain_list_id", "As recorded."),
        *_of("json", "answers", "JSON text: a list of Rdata, Type, Class."),
        LogColumn("raw", "json", "The whole record, as read."),
        *_PLACE,
    ),
)

S3_ACCESS: Final = LogTable(
    "s3_access",
    "S3 server access logs, one row a request.",
    "time",
    (
        LogColumn("time", "time", "When the request was received."),
        *_of("text", "bucket_owner bucket remote_ip requester request_id operation key", "As recorded."),
        *_of("text", "request_uri http_status error_code referer user_agent version_id", "As recorded."),
        *_of(
            "text", "host_id signature_version cipher_suite authentication_type host_header", "As recorded."
        ),
        *_of("text", "tls_version access_point_arn acl_required", "As recorded."),
        *_of("int", "bytes_sent object_size total_time turn_around_time", "As recorded; times in ms."),
        LogColumn("raw", "text", "The whole line, as read."),
        *_PLACE,
    ),
)

ELB_ACCESS: Final = LogTable(
    "elb_access",
    "Access logs of Application, Network and Classic Load Balancers, one row a request or connection.",
    "time",
    (
        LogColumn("time", "time", "When the response was sent (Classic: when the request was received)."),
        LogColumn("balancer", "text", "application, network or classic."),
        *_of("text", "type elb listener client_ip target_ip elb_status_code", "As recorded."),
        *_of("text", "target_status_code request user_agent ssl_cipher ssl_protocol", "As recorded."),
        *_of("text", "target_group_arn trace_id domain_name chosen_cert_arn", "As recorded."),
        *_of("text", "matched_rule_priority actions_executed redirect_url error_reason", "As recorded."),
        *_of("text", "classification classification_reason incoming_tls_alert", "As recorded."),
        *_of("int", "client_port target_port received_bytes sent_bytes", "As recorded."),
        *_of("float", "request_processing_time target_processing_time", "Seconds; -1 as recorded."),
        *_of("float", "response_processing_time", "Seconds; -1 as recorded."),
        *_of("int", "connection_time tls_handshake_time", "Milliseconds; Network Load Balancers."),
        LogColumn("raw", "text", "The whole line, as read."),
        *_PLACE,
    ),
)

WAF: Final = LogTable(
    "waf",
    "AWS WAF logs of web ACLs, one row a request.",
    "timestamp",
    (
        LogColumn("timestamp", "time", "When the request was judged."),
        *_of("text", "webaclId terminatingRuleId terminatingRuleType action httpSourceName", "As recorded."),
        *_of("text", "httpSourceId ja3Fingerprint ja4Fingerprint", "As recorded."),
        *_of("text", "httpRequest.clientIp httpRequest.country httpRequest.uri", "As recorded."),
        *_of("text", "httpRequest.args httpRequest.httpVersion httpRequest.httpMethod", "As recorded."),
        *_of("text", "httpRequest.requestId httpRequest.host", "As recorded."),
        *_of("int", "responseCodeSent", "As recorded."),
        *_of("json", "httpRequest.headers labels ruleGroupList rateBasedRuleList", "JSON text."),
        *_of("json", "nonTerminatingMatchingRules terminatingRuleMatchDetails", "JSON text."),
        LogColumn("raw", "json", "The whole record, as read."),
        *_PLACE,
    ),
)

TABLES: Final = {t.name: t for t in (CLOUDTRAIL, VPC_FLOW, RESOLVER, S3_ACCESS, ELB_ACCESS, WAF)}

# Few values for many rows: held, and written, as numbers of a dictionary.
_PACKED: Final = frozenset({"account", "region", "date", "source"})

DUCKDB_TYPES: Final[dict[Kind, str]] = {
    "text": "VARCHAR",
    "json": "VARCHAR",
    "bool": "BOOLEAN",
    "int": "BIGINT",
    "float": "DOUBLE",
    "time": "TIMESTAMPTZ",
}


def arrow_type(kind: Kind) -> pa.DataType:
    """The Arrow type of a kind of column."""
    import pyarrow as pa

    match kind:
        case "text" | "json":
            return pa.string()
        case "bool":
            return pa.bool_()
        case "int":
            return pa.int64()
        case "float":
            return pa.float64()
        case "time":
            return pa.timestamp("us", tz="UTC")


def dictionary() -> pa.DataType:
    """The Arrow type of text that repeats; in Parquet it is text like any other."""
    import pyarrow as pa

    return pa.dictionary(pa.int32(), pa.string())


@cache
def _arrow(name: str) -> pa.Schema:
    import pyarrow as pa

    packed = _PACKED | (frozenset(FLOW_TEXT.split()) if name == "vpc_flow" else frozenset())
    return pa.schema(
        [(c.name, dictionary() if c.name in packed else arrow_type(c.kind)) for c in TABLES[name].columns]
    )
