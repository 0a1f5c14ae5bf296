"""The model and its outcome as tables for SQL: service_variant, responsibility, resource_responsibility."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from partywall.checks.model import DOMAINS
from partywall.lake.derived import DerivedColumn, DerivedTable
from partywall.responsibility.engine import OWNER_COLUMNS, resources_sql
from partywall.responsibility.loader import model
from partywall.responsibility.model import SIDES

if TYPE_CHECKING:
    from partywall.lake.engine import Lake


def _registered(lake: Lake, name: str, columns: Sequence[DerivedColumn], rows: list[dict[str, Any]]) -> str:
    """SELECT of rows that Python made, registered on the lake's connection."""
    import pyarrow as pa

    kinds = {"VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "DATE": pa.date32()}
    kinds |= {"VARCHAR[]": pa.list_(pa.string())}
    schema = pa.schema([(c.name, kinds[c.type]) for c in columns])
    lake.connection.register(f"_{name}", pa.Table.from_pylist(rows, schema=schema))
    return f"SELECT * FROM _{name}"


def _variants(lake: Lake) -> str:
    rows = [
        {
            "variant_id": v.id,
            "service": v.service,
            "variant": v.variant,
            "tenancy": v.tenancy,
            "tables": list(dict.fromkeys(s.table for s in v.selects)),
            "manual": v.manual,
            "grade": v.grade,
            "sources": [f"{s.title}: {s.url}" for s in v.sources],
            "read_on": v.read_on,
            "valid_from": v.valid_from,
            "gaps": [f"{g.domain}: {g.lack} {g.do}" for g in v.gaps],
            "model": model().digest,
        }
        for v in model().variants.values()
    ]
    return _registered(lake, "service_variant", _VARIANT, rows)


def _lines(lake: Lake) -> str:
    rows: list[dict[str, Any]] = []
    for v in model().variants.values():
        for domain, owner in v.lines.items():
            text = model().text(v, domain)
            side, mode = SIDES[owner]
            rows.append(
                {
                    "variant_id": v.id,
                    "service": v.service,
                    "variant": v.variant,
                    "domain": domain,
                    "owner": side,
                    "mode": mode,
                    "aws_does": text.aws,
                    "customer_does": text.customer,
                    "why": text.why,
                    "source": "; ".join(f"{s.title}: {s.url}" for s in v.sources),
                    "read_on": v.read_on,
                    "grade": v.grade,
                    "valid_from": v.valid_from,
                }
            )
    return _registered(lake, "responsibility", _LINE, rows)


def _resources(lake: Lake) -> str:
    return resources_sql(lake, lake.manifest.variants)


_GRADE: Final = DerivedColumn(
    "grade", "VARCHAR", "V read in AWS's documentation, P partly, G not checked yet."
)
_READ: Final = DerivedColumn("read_on", "DATE", "When the source was read; NULL for grade G.")
_FROM: Final = DerivedColumn(
    "valid_from", "DATE", "Since when the line runs there, as far as the model tells."
)
_ID: Final = DerivedColumn("variant_id", "VARCHAR", "The variant's id.")
_SERVICE: Final = DerivedColumn("service", "VARCHAR", "The service: a column of the wall.")
_NAME: Final = DerivedColumn("variant", "VARCHAR", "The way of configuring the service.")
_VARIANT: Final = (
    _ID,
    _SERVICE,
    _NAME,
    DerivedColumn("tenancy", "VARCHAR", "single, multi, customer account or on premises."),
    DerivedColumn("tables", "VARCHAR[]", "The tables among whose rows it is looked for."),
    DerivedColumn("manual", "BOOLEAN", "No API tells it: it is set in partywall.yaml."),
    _GRADE,
    DerivedColumn("sources", "VARCHAR[]", "Title and address of AWS's pages."),
    _READ,
    _FROM,
    DerivedColumn("gaps", "VARCHAR[]", "Lines that the customer cannot close here, and what to do."),
    DerivedColumn("model", "VARCHAR", "Marks the version of the model's data."),
)
_LINE: Final = (
    _ID,
    _SERVICE,
    _NAME,
    DerivedColumn("domain", "VARCHAR", "The course of the wall."),
    DerivedColumn("owner", "VARCHAR", "aws, shared, customer or none."),
    DerivedColumn("mode", "VARCHAR", "inherited, safe_default, must_act or none."),
    DerivedColumn("aws_does", "VARCHAR", "What AWS does."),
    DerivedColumn("customer_does", "VARCHAR", "What the customer does."),
    DerivedColumn("why", "VARCHAR", "Why the line runs here."),
    DerivedColumn("source", "VARCHAR", "Title and address of AWS's pages."),
    _READ,
    _GRADE,
    _FROM,
)
_RESOURCE: Final = (
    DerivedColumn("account_id", "VARCHAR", "The account."),
    DerivedColumn("region", "VARCHAR", "The Region."),
    DerivedColumn("resource_arn", "VARCHAR", "The resource's ARN."),
    DerivedColumn("resource_name", "VARCHAR", "The resource's name."),
    DerivedColumn("resource_type", "VARCHAR", "The table that has its row."),
    DerivedColumn("part", "VARCHAR", "Which part of the resource, such as nodes; empty for the resource."),
    _SERVICE,
    DerivedColumn("variant_id", "VARCHAR", "The variant; empty where several are possible."),
    DerivedColumn("candidates", "VARCHAR[]", "The possible variants; several where something was not read."),
    DerivedColumn("set_by", "VARCHAR", "configuration, or you where partywall.yaml names the variant."),
    *(
        DerivedColumn(
            OWNER_COLUMNS[d],
            "VARCHAR",
            f"Who answers for {d}: aws, shared_safe, shared_act, customer, none, unknown.",
        )
        for d in DOMAINS
    ),
)

DERIVED: Final = (
    DerivedTable(
        "service_variant",
        "The variants of services that the responsibility model knows.",
        _VARIANT,
        _variants,
    ),
    DerivedTable("responsibility", "Who secures which domain of which variant, and why.", _LINE, _lines),
    DerivedTable(
        "resource_responsibility",
        "Who secures which domain of each resource of the scan, by how it is configured.",
        _RESOURCE,
        _resources,
    ),
)
