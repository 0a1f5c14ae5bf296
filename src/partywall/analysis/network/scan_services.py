"""What listens besides interfaces and load balancers: databases, clusters, functions, APIs, distributions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.model import Interface
from partywall.analysis.network.scan_tables import SERVICES, Reading, Row, cidrs, known
from partywall.analysis.network.stand_ins import StandIns

_SIGNED: Final = "AWS_IAM"
PLAIN: Final = ("HTTP", "TCP", "UDP", "TCP_UDP")
"""Protocols of listeners that encrypt nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Service:
    """A managed service's front door. None is not known; `interfaces` are stand-ins in its subnets."""

    kind: str
    arn: str
    account: str
    region: str
    name: str
    tags: Mapping[str, str] | None
    port: int = 0
    """Where it listens, over TCP; 0: on any port, for all that is known."""
    public: bool | None = False
    """It has a public address or a public endpoint of its own."""
    interfaces: tuple[str, ...] = ()
    vpc: str = ""
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = ()
    sources: tuple[Cidr, ...] | None = None
    """Whom a public endpoint answers; None: everyone."""
    plaintext: bool | None = False
    waf: bool | None = False
    authentication: str | None = ""
    """What proves who calls before anything answers: "" nothing, None not known."""
    behind: tuple[str, ...] = ()
    """ARNs of load balancers, and ids of instances, that it leads to."""
    failed: tuple[Mapping[str, str], ...] = ()
    engine: str = ""
    behind_known: bool = True
    """`behind` holds all that it leads to."""


def services(reading: Reading, stand_ins: StandIns) -> tuple[list[Service], list[Interface]]:
    """The services of a scan, and stand-ins for the interfaces of those that live in a VPC."""
    found: list[Service] = []
    held: list[Interface] = []
    for service in (
        *_databases(reading),
        *_search(reading),
        *_caches(reading),
        *_clusters(reading),
        *_tasks(reading),
    ):
        made = stand_ins.make(
            service.arn,
            service.subnets,
            service.groups,
            public=bool(service.public) and service.kind in _ADDRESSED,
            name=service.name,
        )
        held += made
        found.append(_with(service, interfaces=tuple(i.id for i in made)))
    found += [*_functions(reading), *_rest_apis(reading), *_http_apis(reading)]
    found += [*_distributions(reading), *_accelerators(reading)]
    return found, held


_ADDRESSED: Final = ("rds-instance", "redshift-cluster", "redshift-workgroup", "ecs-service")
"""Those whose public reach is by a public address of their interface, so that groups and routes decide."""


def _with(service: Service, **changes: Any) -> Service:
    from dataclasses import replace

    return replace(service, **changes)


def _of(reading: Reading, table: str) -> list[Row]:
    return reading.rows(table, SERVICES[table])


def _failing_too(row: Row, *others: Iterable[Mapping[str, str]]) -> Row:
    """The row with the failed calls of what belongs to it."""
    return {**row, "_failed": [*(row.get("_failed") or ()), *(call for calls in others for call in calls)]}


def _service(kind: str, row: Row, **more: Any) -> Service:
    failed = tuple({**f, "call": "rows"} for f in row.get("_failed") or ())
    tags = row.get("tags")
    name = row.get("name") or ""
    return Service(
        kind, row["arn"] or "", row["account_id"], row["region"], name, tags, failed=failed, **more
    )


def _list(value: Any) -> tuple[str, ...]:
    return tuple(known(value))


def _groups(value: Any) -> tuple[str, ...] | None:
    return None if value is None else tuple(known(value))


def _databases(reading: Reading) -> list[Service]:
    zones = {r["subnet_id"]: r["availability_zone"] for r in reading.rows("vpc_subnet")}
    found: list[Service] = []
    for row in _of(reading, "rds_instance"):
        if not row["vpc_id"]:
            continue
        subnets = _list(row["subnet_ids"])
        zone = row["availability_zone"]
        # A Multi-AZ database moves to its standby's zone by itself, so that each subnet counts.
        if zone and row["multi_az"] is False:
            subnets = tuple(s for s in subnets if zones.get(s, zone) == zone) or subnets
        found.append(
            _service(
                "rds-instance",
                row,
                port=row["port"] or 0,
                public=row["publicly_accessible"],
                vpc=row["vpc_id"],
                subnets=subnets,
                groups=_groups(row["security_group_ids"]),
                authentication="database",
                engine=row["engine"] or "",
            )
        )
    groups = {
        (r["account_id"], r["region"], r["name"]): _list(r["subnet_ids"])
        for r in _of(reading, "redshift_subnet_group")
    }
    for row in _of(reading, "redshift_cluster"):
        found.append(
            _service(
                "redshift-cluster",
                row,
                port=row["port"] or 0,
                public=row["publicly_accessible"],
                vpc=row["vpc_id"] or "",
                subnets=groups.get((row["account_id"], row["region"], row["subnet_group"]), ()),
                groups=_groups(row["security_group_ids"]),
                authentication="database",
                engine="redshift",
            )
        )
    for row in _of(reading, "redshift_serverless_workgroup"):
        found.append(
            _service(
                "redshift-workgroup",
                row,
                port=row["port"] or 0,
                public=row["publicly_accessible"],
                subnets=_list(row["subnet_ids"]),
                groups=_groups(row["security_group_ids"]),
                authentication="database",
                engine="redshift",
            )
        )
    return found


def _search(reading: Reading) -> list[Service]:
    """Amazon OpenSearch Service, "VPC versus public domains": one in a VPC has no public endpoint."""
    found: list[Service] = []
    for row in _of(reading, "opensearch_domain"):
        inside = None if row["vpc_id"] is None else bool(row["vpc_id"])
        if None in (row["vpc_id"], row["subnet_ids"], row["security_group_ids"]):
            reading.misplaced("opensearch_domain", row)
        everyone = _everyone(reading, row["policy"], row["account_id"])
        found.append(
            _service(
                "opensearch-domain",
                row,
                port=443,
                public=None if inside is None else not inside,
                vpc=row["vpc_id"] or "",
                subnets=_list(row["subnet_ids"]),
                groups=_groups(row["security_group_ids"]),
                plaintext=None if row["enforce_https"] is None else not row["enforce_https"],
                authentication=None if everyone is None else "" if everyone else _SIGNED,
                engine="opensearch",
            )
        )
    return found


def _everyone(reading: Reading, policy: str | None, account: str) -> bool | None:
    """Whether a resource policy lets everyone in; an empty one lets in nobody but the account's own."""
    from partywall.analysis.policy import facts

    if policy is None:
        return None
    if not policy:
        return False
    told = facts("resource", policy, account)
    return None if told is None else told.get("is_public")


def _caches(reading: Reading) -> list[Service]:
    groups = {
        (r["account_id"], r["region"], r["name"]): _list(r["subnet_ids"])
        for r in _of(reading, "elasticache_subnet_group")
    }
    return [
        _service(
            "elasticache-cluster",
            row,
            subnets=groups.get((row["account_id"], row["region"], row["subnet_group"]), ()),
            groups=_groups(row["security_group_ids"]),
            engine=row["engine"] or "",
        )
        for row in _of(reading, "elasticache_cluster")
    ]


def _clusters(reading: Reading) -> list[Service]:
    """Amazon EKS, "Cluster API server endpoint": callers are authenticated by IAM or OIDC always."""
    return [
        _service(
            "eks-cluster",
            row,
            port=443,
            public=row["endpoint_public_access"],
            vpc=row["vpc_id"] or "",
            subnets=_list(row["subnet_ids"]),
            groups=None
            if row["security_group_ids"] is None
            else tuple(g for g in (*known(row["security_group_ids"]), row["cluster_security_group_id"]) if g),
            sources=None if row["public_access_cidrs"] is None else cidrs(row["public_access_cidrs"]),
            authentication=_SIGNED,
        )
        for row in _of(reading, "eks_cluster")
    ]


def _tasks(reading: Reading) -> list[Service]:
    """ECS services whose tasks have interfaces of their own (awsvpc)."""
    found: list[Service] = []
    for row in _of(reading, "ecs_service"):
        if row["subnet_ids"] is None:
            reading.misplaced("ecs_service", row)
        elif row["subnet_ids"]:
            public = row["assign_public_ip"]
            found.append(
                _service(
                    "ecs-service",
                    row,
                    public=None if public is None else public == "ENABLED",
                    subnets=_list(row["subnet_ids"]),
                    groups=_groups(row["security_group_ids"]),
                )
            )
    return found


def _functions(reading: Reading) -> list[Service]:
    """Lambda, "Function URLs": each is a public HTTPS endpoint; its auth type says who may call."""
    found: list[Service] = []
    for row in _of(reading, "lambda_function"):
        urls = row["urls"]
        types = {u["auth_type"] for u in known(urls)}
        found.append(
            _service(
                "function-url",
                row,
                port=443,
                public=None if urls is None else bool(urls),
                authentication=None if urls is None else "" if "NONE" in types else _SIGNED,
            )
        )
    return found


def _rest_apis(reading: Reading) -> list[Service]:
    """API Gateway: private ones answer within VPCs only; a method of authorization NONE lets anyone in."""
    stages: dict[tuple[str, str, str], list[Row]] = {}
    for row in _of(reading, "apigateway_stage"):
        stages.setdefault((row["account_id"], row["region"], row["rest_api_id"]), []).append(row)
    links = {r["vpc_link_id"]: _list(r["target_arns"]) for r in _of(reading, "apigateway_vpc_link")}
    found: list[Service] = []
    for row in _of(reading, "apigateway_rest_api"):
        place = (row["account_id"], row["region"], row["rest_api_id"])
        own = stages.get(place, [])
        unlisted = reading.unlisted("apigateway_stage", *place[:2])
        if not own and unlisted:
            own = [{"web_acl_arn": None}]
        methods = row["methods"]
        kinds = {m["authorization_type"] for m in known(methods) if m["http_method"] != "OPTIONS"}
        answers = row["endpoint_types"]
        public = None if answers is None else "PRIVATE" not in answers
        # Without its own name it may still answer by a custom one, which is not read.
        if public and row["disable_execute_api_endpoint"]:
            public = None
        waf = (
            None
            if any(s["web_acl_arn"] is None for s in own)
            else bool(own) and all(s["web_acl_arn"] for s in own)
        )
        found.append(
            _service(
                "rest-api",
                _failing_too(row, unlisted, *(s.get("_failed") or () for s in own)),
                port=443,
                public=public and bool(own),
                waf=waf,
                authentication=None if methods is None else _weakest(kinds),
                behind=tuple(arn for m in known(methods) for arn in links.get(m["connection_id"], ())),
                behind_known=methods is not None,
            )
        )
    return found


def _weakest(kinds: set[str]) -> str:
    """The authorization of what answers most readily: "" where some method or route lets anyone in."""
    return "" if "NONE" in kinds else ", ".join(sorted(kinds))


def _http_apis(reading: Reading) -> list[Service]:
    stages = {(r["account_id"], r["region"], r["api_id"]) for r in _of(reading, "apigatewayv2_stage")}
    found: list[Service] = []
    for row in _of(reading, "apigatewayv2_api"):
        place = (row["account_id"], row["region"], row["api_id"])
        unlisted = reading.unlisted("apigatewayv2_stage", *place[:2])
        staged = True if place in stages else None if unlisted else False
        public = None if row["disable_execute_api_endpoint"] else staged
        routes, integrations = row["routes"], row["integrations"]
        kinds = {r["authorization_type"] for r in known(routes)}
        found.append(
            _service(
                "http-api",
                _failing_too(row, unlisted),
                port=443,
                public=public,
                # AWS WAF, "Resources that you can protect": no HTTP API is among them.
                waf=False,
                authentication=None if routes is None else _weakest(kinds),
                behind=tuple(
                    i["uri"] for i in known(integrations) if i["connection_type"] == "VPC_LINK" and i["uri"]
                ),
                behind_known=integrations is not None,
            )
        )
    return found


def _distributions(reading: Reading) -> list[Service]:
    origins = {r["vpc_origin_id"]: r["origin_endpoint_arn"] for r in _of(reading, "cloudfront_vpc_origin")}
    found: list[Service] = []
    for row in _of(reading, "cloudfront_distribution"):
        behaviors = row["behaviors"]
        policies = {b["viewer_protocol_policy"] for b in known(behaviors)}
        signed = all(b["trusted_signers"] or b["trusted_key_groups"] for b in known(behaviors))
        found.append(
            _service(
                "cloudfront-distribution",
                row,
                port=443,
                public=row["enabled"],
                plaintext=None if behaviors is None else "allow-all" in policies,
                waf=None if row["web_acl_id"] is None else bool(row["web_acl_id"]),
                authentication=None if behaviors is None else "signed URLs" if signed and behaviors else "",
                behind=tuple(
                    arn
                    for o in known(row["origins"])
                    if o["vpc_origin_id"] and (arn := origins.get(o["vpc_origin_id"]))
                ),
            )
        )
    return found


def _accelerators(reading: Reading) -> list[Service]:
    """AWS Global Accelerator: traffic enters by its own addresses and reaches private endpoints, too."""
    behind: dict[str, list[str]] = {}
    for row in _of(reading, "globalaccelerator_endpoint_group"):
        behind.setdefault(row["listener_arn"], []).extend(
            e["endpoint_id"] for e in known(row["endpoints"]) if e["weight"] != 0
        )
    found: list[Service] = []
    for row in _of(reading, "globalaccelerator_listener"):
        spans = list(known(row["port_ranges"]))
        found.append(
            _service(
                "accelerator",
                row,
                port=spans[0]["from_port"] if spans else 0,
                public=row["enabled"],
                behind=tuple(behind.get(row["arn"], ())),
            )
        )
    return found
