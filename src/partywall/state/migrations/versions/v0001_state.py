"""The first tables: work on findings, comments, exceptions, and the audit log that only grows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SQLITE = (
    "CREATE TRIGGER audit_keep BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
    "CREATE TRIGGER audit_stay BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
    # INSERT OR REPLACE would delete without that trigger.
    "CREATE TRIGGER audit_next BEFORE INSERT ON audit"
    " WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM audit)"
    " BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$",
    "CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit"
    " FOR EACH ROW EXECUTE FUNCTION audit_only_grows()",
    "CREATE TRIGGER audit_stay BEFORE TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
)


def upgrade() -> None:
    """Makes the tables and what keeps the audit log from being rewritten."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "finding_work",
        sa.Column("finding_id", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("status_by", sa.Text, nullable=False),
        sa.Column("status_at", moment, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("owner_by", sa.Text, nullable=False),
        sa.Column("owner_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("finding_id", name="pk_finding_work"),
        sa.CheckConstraint("status IN ('', 'acknowledged', 'in_progress')", name="ck_finding_work_status"),
    )
    op.create_table(
        "finding_comment",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("finding_id", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_finding_comment"),
    )
    op.create_index("ix_finding_comment_finding_id", "finding_comment", ["finding_id"])
    op.create_table(
        "exception",
        sa.Column("id", sa.Integer, nullable=False),
        *(sa.Column(f"{name}_glob", sa.Text, nullable=False) for name in ("check", "account", "region")),
        sa.Column("resource_glob", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("expires", sa.Date, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("decider", sa.Text, nullable=False),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("revoker", sa.Text, nullable=False),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("revocation", sa.Text, nullable=False),
        sa.Column("reminded_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exception"),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'rejected', 'revoked')", name="ck_exception_state"
        ),
    )
    op.create_index("ix_exception_state", "exception", ["state"])
    op.create_table(
        "exception_finding",
        sa.Column("exception_id", sa.Integer, nullable=False),
        sa.Column("finding_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("exception_id", "finding_id", name="pk_exception_finding"),
        sa.ForeignKeyConstraint(["exception_id"], ["exception.id"], name="fk_exception_finding_exception_id"),
    )
    op.create_index("ix_exception_finding_finding_id", "exception_finding", ["finding_id"])
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])
    statements = _SQLITE if op.get_context().dialect.name == "sqlite" else _POSTGRESQL
    for statement in statements:
        op.execute(statement)
