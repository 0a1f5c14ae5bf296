"""What to mend first: severity, moved by what can be reached, what could be done from there, and tags.

A literal verdict stays what it is; its priority says whether anybody gets at what it is about. What analyses
could not decide moves nothing, and the reason says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from partywall.lake.source import literal

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

_SEVERITY: Final = {"critical": 85, "high": 65, "medium": 40, "low": 20, "informational": 5}
_UNKNOWN_SHARE: Final = 0.5
"""An unknown finding may be nothing: it ranks at half of what it would as a failure."""
_RAISED: Final = 7
_MOST_RAISED: Final = 20
"""At most so much do reachability and privilege together add."""
_FLOOR: Final = 92
"""An opening by which the internet reaches what has administrator rights is critical, whatever its check."""
_NOT_REACHED: Final = 30
_UNUSED: Final = 15
"""At most so much for an opening by which the internet reaches nothing, or that nothing uses."""
_PRODUCTION: Final = "^(prod|production|prd|live)$"
_SENSITIVE: Final = "^(confidential|restricted|secret|pii|phi|pci|sensitive|highly-confidential)$"
_ENVIRONMENT_KEYS: Final = "^(env|environment|stage)$"
_DATA_KEYS: Final = "^(data-?classification|classification|data-?class|confidentiality|data)$"
_GROUPS: Final = "vpc_security_group"
_OPENINGS: Final = "-closed|authorized-ports"
"""The checks of security groups that judge what a group lets in."""
_PORTS: Final = {"ssh-closed": 22, "rdp-closed": 3389, "smb-closed": 445}
"""Those of them that judge one port: the end of the id -> the port."""
CONTEXT: Final = "_context"


def _tagged(tags: str, keys: str, values: str) -> str:
    """SQL: whether some tag has a key and a value of these forms; FALSE where tags are not known."""
    return (
        f"coalesce(len(list_filter(map_entries({tags}), lambda e: regexp_matches(lower(e.key), '{keys}')"
        f" AND regexp_matches(lower(e.value), '{values}'))) > 0, FALSE)"
    )


def _scope(check: str, table: str) -> str:
    """SQL: which ports of a group a finding is about: a number, `any`, or "" where it is about none."""
    ports = " ".join(
        f"WHEN ends_with({check}, {literal(end)}) THEN {literal(str(port))}" for end, port in _PORTS.items()
    )
    opening = f"{table} = {literal(_GROUPS)} AND regexp_matches({check}, {literal(_OPENINGS)})"
    return f"CASE WHEN NOT ({opening}) THEN '' {ports} ELSE 'any' END"


def joins_sql(check: str, table: str, resource: str) -> str:
    """SQL of the joins that `priority_sql` and `priority_why_sql` read, after `make_context`.

    Arguments here and there are SQL expressions of a finding's check id, table, resource, status, severity
    and tags.
    """
    return (
        f"LEFT JOIN {CONTEXT} px ON px.arn = {resource} AND px.scope = '' "
        f"LEFT JOIN {CONTEXT} py ON py.arn = {resource} AND py.scope <> ''"
        f" AND py.scope = {_scope(check, table)}"
    )


def priority_sql(status: str, severity: str, tags: str) -> str:
    """SQL of a finding's priority, 0 to 100."""
    base = " ".join(f"WHEN '{name}' THEN {value}" for name, value in _SEVERITY.items())
    production = _tagged(tags, _ENVIRONMENT_KEYS, _PRODUCTION)
    sensitive = _tagged(tags, _DATA_KEYS, _SENSITIVE)
    raised = " + ".join(f"CASE WHEN {test} THEN {_RAISED} ELSE 0 END" for test in (production, sensitive))
    added = f"least({_MOST_RAISED}, coalesce(px.added, 0) + coalesce(py.added, 0))"
    floor = f"CASE WHEN {severity} IN ('low', 'informational') THEN 0 ELSE coalesce(py.floor, 0) END"
    whole = f"CASE {severity} {base} ELSE 0 END + {raised} + {added}"
    capped = f"greatest(least({whole}, coalesce(py.most, 100), 100), {floor})"
    share = f"CASE {status} WHEN 'fail' THEN 1.0 WHEN 'unknown' THEN {_UNKNOWN_SHARE} ELSE 0.0 END"
    return f"({capped} * {share})::SMALLINT"


def priority_why_sql(status: str, severity: str, tags: str, check: str, table: str) -> str:
    """SQL of the reason for a priority, such as "high severity; tagged as production"."""
    reasons = (
        (_tagged(tags, _ENVIRONMENT_KEYS, _PRODUCTION), "tagged as production"),
        (_tagged(tags, _DATA_KEYS, _SENSITIVE), "tagged as sensitive data"),
        (
            f"py.arn IS NULL AND {_scope(check, table)} <> ''",
            "what the internet reaches by it was not worked out",
        ),
        (f"{status} = 'unknown'", "not known to fail"),
    )
    added = "".join(f" || CASE WHEN {test} THEN '; {text}' ELSE '' END" for test, text in reasons)
    context = "".join(f" || coalesce('; ' || {side}.why, '')" for side in ("py", "px"))
    return f"{severity} || ' severity'{context}{added}"


def make_context(lake: Lake) -> None:
    """Fills the table `_context` with what analyses of the scan say of resources.

    Columns: `arn`, `scope` (ports of a security group as `_scope` tells them; "" of any finding on it),
    `added`, `most` and `floor` (of 100) and `why`.
    """
    lake.execute(
        f"CREATE OR REPLACE TEMP TABLE {CONTEXT}"
        " (arn VARCHAR, scope VARCHAR, added INTEGER, most INTEGER, floor INTEGER, why VARCHAR)"
    )
    there = {
        name for name in ("network_unused_rule", "network_exposure", "iam_principal_risk", "attack_path")
        if lake.source.files(name)
    }  # fmt: skip
    if "network_unused_rule" in there:
        lake.execute(f"INSERT INTO {CONTEXT} {_openings(lake, 'network_exposure' in there)}")
    parts: list[str] = []
    if "network_exposure" in there:
        parts.append(_exposed(lake))
    if "iam_principal_risk" in there:
        parts.append(_principals(lake))
    if "attack_path" in there:
        parts.append(_on_paths(lake))
    if parts:
        lake.execute(
            f"INSERT INTO {CONTEXT} SELECT arn, '', least({_MOST_RAISED}, sum(added))::INTEGER, NULL, NULL,"
            f" string_agg(why, '; ' ORDER BY place) FROM ({' UNION ALL '.join(parts)}) WHERE why <> ''"
            " GROUP BY arn"
        )


def _stored(lake: Lake, name: str, *columns: str) -> str:
    from partywall.tables.registry import table

    return f"({lake.source.stored(table(name), columns)})"


def _openings(lake: Lake, exposed: bool) -> str:
    """Of each security group and each port judged: what the internet reaches by its rules."""
    scopes = ", ".join(f"('{port}', {port})" for port in dict.fromkeys(_PORTS.values()))
    rules = _stored(
        lake, "network_unused_rule",
        *("arn", "kind", "is_used", "from_internet", "admin_reached", "attached_interface_ids"),
    )  # fmt: skip
    interfaces = _stored(
        lake, "network_exposure", "kind", "resource_arn", "interface_ids", "internet_reachable"
    )
    reached = (
        f"SELECT unnest(e.interface_ids) AS id, any_value(coalesce(nullif(i.tags['Name'], ''),"
        f" regexp_extract(e.resource_arn, '[^:/]+$'))) AS name"
        f" FROM {interfaces} e"
        f" LEFT JOIN {_stored(lake, 'ec2_instance', 'arn', 'tags')} i ON i.arn = e.resource_arn"
        " WHERE e.kind = 'network-interface' AND e.internet_reachable GROUP BY 1"
        if exposed
        else "SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS name WHERE FALSE"
    )
    whom = (
        "coalesce(n.names[1] || CASE WHEN len(n.names) > 1 THEN ' and ' || (len(n.names) - 1)::VARCHAR"
        " || ' more' ELSE '' END, 'something')"
    )
    return f"""
        WITH rules AS (
            SELECT regexp_extract(arn, '^(.*:security-group/[^/]+)', 1) AS arn, is_used, from_internet,
                admin_reached, attached_interface_ids AS ids,
                regexp_extract(arn, '/in/([^/]+)/', 1) AS protocol,
                TRY_CAST(regexp_extract(arn, '/in/[^/]+/(-?[0-9]+)-', 1) AS INTEGER) AS low,
                TRY_CAST(regexp_extract(arn, '/in/[^/]+/-?[0-9]+-(-?[0-9]+)/', 1) AS INTEGER) AS high
            FROM {rules} WHERE kind = 'security-group-rule' AND contains(arn, '/in/')
        ), judged AS (
            SELECT arn, 'any' AS scope, is_used, from_internet, admin_reached, ids FROM rules
            UNION ALL
            SELECT arn, s.scope, is_used, from_internet, admin_reached, ids
            FROM rules JOIN (VALUES {scopes}) s(scope, port)
                ON protocol = '-1' OR low < 0 OR s.port BETWEEN low AND high
        ), reached AS ({reached}), names AS (
            SELECT g.arn, g.scope, list(DISTINCT r.name ORDER BY r.name) AS names
            FROM (SELECT arn, scope, unnest(ids) AS id FROM judged WHERE from_internet) g
            JOIN reached r USING (id) GROUP BY ALL
        ), told AS (
            SELECT arn, scope, bool_or(from_internet) AS sure, bool_or(from_internet IS NULL) AS open,
                bool_or(admin_reached) AS admin, bool_or(admin_reached IS NULL) AS admin_open,
                bool_or(coalesce(is_used, TRUE)) AS used
            FROM judged GROUP BY ALL
        )
        SELECT t.arn, t.scope,
            CASE WHEN t.sure THEN 12 ELSE 0 END,
            CASE WHEN t.sure OR t.open THEN NULL WHEN t.used THEN {_NOT_REACHED} ELSE {_UNUSED} END,
            CASE WHEN t.sure AND t.admin THEN {_FLOOR} END,
            CASE
                WHEN t.sure AND t.admin
                    THEN 'the internet reaches ' || {whom} || ' by it, whose role has administrator rights'
                WHEN t.sure AND t.admin_open
                    THEN 'the internet reaches ' || {whom} || ' by it; its rights are not known'
                WHEN t.sure THEN 'the internet reaches ' || {whom} || ' by it'
                WHEN t.open THEN 'whether the internet reaches anything by it is not known'
                WHEN t.used THEN 'the internet reaches nothing by it'
                ELSE 'nothing uses it'
            END
        FROM told t LEFT JOIN names n USING (arn, scope)
    """


def _exposed(lake: Lake) -> str:
    """Of each resource whether the internet reaches it, and with what rights it runs."""
    source = _stored(lake, "network_exposure", "resource_arn", "internet_reachable_at_all", "admin_role")
    return f"""
        SELECT resource_arn AS arn, 1 AS place,
            CASE WHEN sure AND admin THEN 16 WHEN sure THEN 8 ELSE 0 END AS added,
            CASE
                WHEN sure AND admin THEN 'the internet reaches it, and its role has administrator rights'
                WHEN sure THEN 'the internet reaches it'
                WHEN open THEN 'whether the internet reaches it is not known'
                ELSE ''
            END AS why
        FROM (
            SELECT resource_arn, bool_or(internet_reachable_at_all) AS sure,
                bool_or(internet_reachable_at_all IS NULL) AS open,
                bool_or(internet_reachable_at_all AND admin_role) AS admin
            FROM {source} WHERE resource_arn <> '' GROUP BY 1
        )
    """


def _principals(lake: Lake) -> str:
    """Of each user and role whether it is, or becomes, an administrator."""
    source = _stored(lake, "iam_principal_risk", "arn", "is_admin", "reaches_admin", "service_linked")
    return f"""
        SELECT arn, 2 AS place, CASE WHEN is_admin OR reaches_admin THEN 6 ELSE 0 END AS added,
            CASE
                WHEN is_admin THEN 'it is an administrator'
                WHEN reaches_admin THEN 'it becomes an administrator'
                WHEN reaches_admin IS NULL THEN 'whether it becomes an administrator is not known'
                ELSE ''
            END AS why
        FROM {source} WHERE NOT service_linked
    """


def _on_paths(lake: Lake) -> str:
    """Of each resource the worst attack path that leads over it."""
    source = _stored(
        lake, "attack_path", "arn", "name", "rank", "certainty", "entry", "target_kind", "via_arn", "steps"
    )
    return f"""
        SELECT thing AS arn, 3 AS place,
            CASE WHEN bool_or(entry = 'internet') THEN 10 ELSE 4 END AS added,
            'on attack path ' || min(rank)::VARCHAR || ' (' || arg_min(name, rank) || ')' AS why
        FROM (
            SELECT unnest(list_distinct(list_concat([via_arn], list_concat(
                [s.source FOR s IN steps], [s.target FOR s IN steps])))) AS thing, entry, rank, name
            FROM {source} WHERE certainty <> 'unknown'
        )
        WHERE starts_with(thing, 'arn:') AND NOT ends_with(thing, ':root')
        GROUP BY thing
    """
