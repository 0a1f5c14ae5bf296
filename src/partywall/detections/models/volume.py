"""How much data a caller reads, copies, writes or deletes in a day, against what it and its peers ever did.

Objects and bytes of S3 (where data events are logged), secrets, parameters, snapshots and copies of disks and
databases. A day's score is how many times the most of all days before it comes to, in doublings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import log2
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.callers import WORD
from partywall.detections.detection import MOST_EVENTS
from partywall.detections.models.candidate import About, Candidate
from partywall.detections.models.memory import WARM_UP, alarms
from partywall.lake.source import literal

if TYPE_CHECKING:
    from partywall.detections.models.calls import Span
    from partywall.detections.models.habits import Habits

RATE: Final = 0.1
"""Alerts a day and account that this model may give on days that are alike."""
_TIMES: Final = 3
"""How many times the most of all days before is worth telling."""
_KNOWN: Final = 7
"""Days with calls from which on a caller is held against itself alone, not its peers too."""
_VOLUME: Final = About(
    "model-unusual-volume",
    "A caller takes or destroys far more than it ever did",
    "Exfiltration:IAMUser/AnomalousBehavior",
    "medium",
    60,
    ("exfiltration",),
    ("T1530",),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """What is counted: distinct targets (`target`: a path in the request) or bytes, of some calls."""

    what: str
    words: str
    calls: tuple[str, ...]
    target: str
    """SQL over `asked`, the request's parameters as JSON; "" to count calls, "bytes" to add up bytes."""
    least: float
    """A day's least that is told."""
    type: str
    tactic: str
    technique: str


MEASURES: Final = (
    Measure(
        "objects",
        "objects of S3 read",
        ("s3:GetObject", "s3:CopyObject", "s3:SelectObjectContent"),
        "concat(asked ->> '$.bucketName', '/', asked ->> '$.key')",
        200,
        "Exfiltration:S3/AnomalousBehavior",
        "exfiltration",
        "T1530",
    ),
    Measure(
        "bytes",
        "bytes of S3 read",
        ("s3:GetObject", "s3:SelectObjectContent"),
        "bytes",
        1e9,
        "Exfiltration:S3/AnomalousBehavior",
        "exfiltration",
        "T1530",
    ),
    Measure(
        "deleted",
        "objects of S3 deleted",
        ("s3:DeleteObject", "s3:DeleteObjects"),
        "concat(asked ->> '$.bucketName', '/', coalesce(asked ->> '$.key', id))",
        50,
        "Impact:S3/AnomalousBehavior.Delete",
        "impact",
        "T1485",
    ),
    Measure(
        "written",
        "objects of S3 written",
        ("s3:PutObject", "s3:CopyObject", "s3:CompleteMultipartUpload"),
        "concat(asked ->> '$.bucketName', '/', asked ->> '$.key')",
        500,
        "Impact:S3/AnomalousBehavior.Write",
        "impact",
        "T1486",
    ),
    Measure(
        "secrets",
        "secrets read",
        ("secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"),
        "coalesce(asked ->> '$.secretId', id)",
        5,
        "CredentialAccess:IAMUser/AnomalousBehavior",
        "credential-access",
        "T1555.006",
    ),
    Measure(
        "parameters",
        "parameters read",
        ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"),
        "coalesce(asked ->> '$.name', asked ->> '$.path', CAST(asked -> '$.names' AS VARCHAR), id)",
        10,
        "CredentialAccess:IAMUser/AnomalousBehavior",
        "credential-access",
        "T1552",
    ),
    Measure(
        "copies",
        "snapshots and copies of disks and databases made, shared or exported",
        (
            "ec2:CreateSnapshot",
            "ec2:CreateSnapshots",
            "ec2:CopySnapshot",
            "ec2:ModifySnapshotAttribute",
            "ec2:CreateImage",
            "ec2:ModifyImageAttribute",
            "ec2:CreateStoreImageTask",
            "ec2:CreateInstanceExportTask",
            "rds:CreateDBSnapshot",
            "rds:CreateDBClusterSnapshot",
            "rds:CopyDBSnapshot",
            "rds:ModifyDBSnapshotAttribute",
            "rds:ModifyDBClusterSnapshotAttribute",
            "rds:StartExportTask",
            "dynamodb:ExportTableToPointInTime",
        ),
        "",
        5,
        "Exfiltration:IAMUser/AnomalousBehavior",
        "exfiltration",
        "T1537",
    ),
)
TYPES: Final = tuple(dict.fromkeys(each.type for each in MEASURES))
_BY: Final = {each.what: each for each in MEASURES}


def prepared(span: Span) -> None:
    """Makes `taken` (id, what, target, bytes) of the calls that are measured, of every day of the span."""
    names = ", ".join(
        literal(name) for name in sorted({call.partition(":")[2] for m in MEASURES for call in m.calls})
    )
    span.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE asked AS
        SELECT e.id, e.api, TRY_CAST(r."requestParameters" AS JSON) AS asked,
            coalesce(TRY_CAST(json_extract_string(TRY_CAST(r."additionalEventData" AS JSON),
                '$.bytesTransferredOut') AS DOUBLE), 0) AS bytes
        FROM ({span.relation}) r JOIN event e USING (id) JOIN caller c USING (who)
        WHERE e.name IN ({names}) AND NOT e.failed AND c.kind <> 'service'"""
    )
    parts = [
        f"SELECT id, '{m.what}' AS what, {m.target if m.target not in ('', 'bytes') else 'id'} AS target,"
        f" {'bytes' if m.target == 'bytes' else '1.0'} AS amount FROM asked"
        f" WHERE api IN ({', '.join(map(literal, m.calls))})"
        for m in MEASURES
    ]
    span.connection.execute(f"CREATE OR REPLACE TEMP TABLE taken AS {' UNION ALL '.join(parts)}")


def measured(span: Span) -> None:
    """Makes `volume` (account, actor, kind, what, n) of the day that `call` shows."""
    span.connection.execute(
        """CREATE OR REPLACE TEMP TABLE volume AS
        SELECT c.account, r.actor, any_value(r.kind) AS kind, t.what,
            if(t.what = 'bytes', sum(t.amount), count(DISTINCT t.target))::DOUBLE AS n
        FROM taken t JOIN call c USING (id) JOIN caller r USING (who)
        WHERE r.actor <> '' GROUP BY c.account, r.actor, t.what HAVING n > 0"""
    )


def candidates(span: Span, habits: Habits, day: date) -> list[Candidate]:
    """Scores the volumes of a day by `past`, and tells of those that stand out."""
    rows = span.rows(
        """SELECT v.*, h.n AS own, coalesce(a.days, 0)::INTEGER AS days, p.n AS peers
        FROM volume v
        LEFT JOIN past h ON h.account = v.account AND h.actor = v.actor AND h.what = 'volume ' || v.what
        LEFT JOIN past a ON a.account = v.account AND a.actor = v.actor AND a.what = 'actor'
        LEFT JOIN (SELECT account, kind, what, max(n) AS n FROM past
            WHERE what LIKE 'volume %' GROUP BY ALL) p
            ON p.account = v.account AND p.kind = v.kind AND p.what = 'volume ' || v.what
        ORDER BY v.account, v.actor, v.what"""
    )
    found: list[Candidate] = []
    accounts = span.rows("SELECT account, days::INTEGER AS known FROM past WHERE what = 'day'")
    for account, known in sorted((each["account"], each["known"]) for each in accounts):
        if known < _KNOWN:
            continue
        mine = [row for row in rows if row["account"] == account]
        scores = {n: _score(row) for n, row in enumerate(mine)}
        past = habits.scored(account, "volume", day)
        habits.score(account, "volume", day, list(scores.values()))
        if known >= WARM_UP:
            found += [
                _candidate(span, mine[n], scores[n], rate) for n, rate in alarms(scores, past, RATE).items()
            ]
    return found


def _most(row: dict[str, Any]) -> float:
    """The most that was seen of the caller, and of its peers while little is known of it."""
    own = row["own"] or 0.0
    return own if row["days"] >= _KNOWN else max(own, row["peers"] or 0.0)


def _score(row: dict[str, Any]) -> float:
    least, most = _BY[row["what"]].least, _most(row)
    if row["n"] < least or row["n"] < _TIMES * most:
        return 0.0
    if row["days"] < _KNOWN and not row["peers"]:
        # Somebody new, and nobody like it ever did such a thing: nothing to be held against.
        return log2(row["n"] / least)
    return log2(row["n"] / max(most, least / _TIMES))


def _candidate(span: Span, row: dict[str, Any], score: float, rate: float) -> Candidate:
    measure = _BY[row["what"]]
    span.connection.execute("SET VARIABLE partywall_actor = ?", [row["actor"]])
    span.connection.execute("SET VARIABLE partywall_account = ?", [row["account"]])
    events = span.rows(
        "SELECT c.id FROM taken t JOIN call c USING (id) JOIN caller r USING (who)"
        " WHERE r.actor = getvariable('partywall_actor') AND c.account = getvariable('partywall_account')"
        f" AND t.what = '{measure.what}' ORDER BY c.micros, c.id"
    )
    own = (
        f"at most {row['own']:,.0f} on any of its {row['days']} days before" if row["own"] else "never before"
    )
    peers = f"; callers of its kind at most {row['peers']:,.0f}" if row["peers"] else ""
    return Candidate(
        _VOLUME,
        tuple(each["id"] for each in events[:MOST_EVENTS]),
        f"{row['n']:,.0f} {measure.words} in a day by {WORD[row['kind']]}: {own}{peers}. Scores as high"
        f" ({score:.1f} doublings) come {rate:.2f} times a day.",
        count=len(events),
        subject=measure.what,
        type=measure.type,
        tactics=(measure.tactic,),
        techniques=(measure.technique,),
    )
