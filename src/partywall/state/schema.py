"""The tables of the state, as the newest migration leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class Moment(sa.TypeDecorator[datetime]):
    """A moment: UTC in every database, with its time zone in Python. Refuses moments without one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone: {value}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

finding_work = sa.Table(
    "finding_work",
    METADATA,
    sa.Column("finding_id", sa.String(32), primary_key=True),
    # "" where nobody said anything, or somebody took it back.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("status_by", sa.Text, nullable=False),
    sa.Column("status_at", Moment, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("owner_by", sa.Text, nullable=False),
    sa.Column("owner_at", Moment, nullable=True),
    sa.CheckConstraint("status IN ('', 'acknowledged', 'in_progress')", name="status"),
)

finding_comment = sa.Table(
    "finding_comment",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("finding_id", sa.String(32), nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

exception = sa.Table(
    "exception",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("check_glob", sa.Text, nullable=False),
    sa.Column("account_glob", sa.Text, nullable=False),
    sa.Column("region_glob", sa.Text, nullable=False),
    sa.Column("resource_glob", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("expires", sa.Date, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("requester", sa.Text, nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    # Who approved or rejected it, when and why.
    sa.Column("decider", sa.Text, nullable=False),
    sa.Column("decided_at", Moment, nullable=True),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("revoker", sa.Text, nullable=False),
    sa.Column("revoked_at", Moment, nullable=True),
    sa.Column("revocation", sa.Text, nullable=False),
    sa.Column("reminded_at", Moment, nullable=True),
    sa.CheckConstraint("state IN ('requested', 'approved', 'rejected', 'revoked')", name="state"),
)

exception_finding = sa.Table(
    "exception_finding",
    METADATA,
    sa.Column("exception_id", sa.Integer, sa.ForeignKey("exception.id"), primary_key=True),
    sa.Column("finding_id", sa.String(32), primary_key=True, index=True),
)

audit = sa.Table(
    "audit",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
