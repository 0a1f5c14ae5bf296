"""From where an attacker can begin to what would hurt: paths, and targets with who gets at them."""

from __future__ import annotations

from typing import Final

from partywall.analysis.attack_paths.study import INPUTS, TARGETS
from partywall.tables.spec import Analysis, Bool, Column, Enum, Field, Float, Int, List, Str, Struct, Table

_ENTRY: Final = Enum("internet", "other-account", "access-key", "workload")
_TARGET: Final = Enum("admin", "data", "secret", "kms-key", "backup-vault")
_CERTAINTY: Final = Enum("certain", "possible", "unknown")
_FACTORS: Final = List(Struct(Field("name", Str, ""), Field("why", Str, ""), Field("weight", Float, "")))

attack_path = Table(
    "attack_path",
    service="iam",
    scope="regional",
    doc="How an attacker gets from an entry (the internet, another account, a leaked access key,"
    " a compromised workload) to what would hurt, step by step, ranked by likelihood times damage."
    " Among the accounts and Regions of the scan. Its ARN is the target's.",
    rows=Analysis(
        "partywall.analysis.attack_paths.tables:attack_paths",
        dict(INPUTS),
        (*TARGETS, "iam_user", "iam_role", "ec2_instance", "lambda_function", "ecs_task"),
    ),
    arn="",
    columns=(
        Column("rank", Int, "", doc="1: the worst. Paths that are not known come after those that are."),
        Column(
            "certainty",
            _CERTAINTY,
            "",
            doc="Of its least sure step. certain: the configuration alone allows it; possible: something"
            " beside it must hold (a fault in software, a guessed password, a condition); unknown: it"
            " hangs on what was not read.",
        ),
        Column("entry", _ENTRY, ""),
        Column("entry_name", Str, ""),
        Column("entry_arn", Str, "", doc="The key's user, the workload or the account; empty: the internet."),
        Column("via_arn", Str, "", doc="The first thing of the scanned accounts on the way."),
        Column("target_kind", _TARGET, ""),
        Column("target_name", Str, ""),
        Column("likelihood", Int, "", doc="1 to 100: the factors of `likelihood_why` multiplied."),
        Column("damage", Int, "", doc="0 to 100: those of `damage_why` added."),
        Column("score", Float, "", doc="Likelihood times damage, 0 to 100; paths are ranked by it."),
        Column("path_text", Str, "", doc="The steps in one line."),
        Column(
            "steps",
            List(
                Struct(
                    Field("kind", Str, ""),
                    Field("title", Str, ""),
                    Field("source", Str, ""),
                    Field("target", Str, ""),
                    Field("certainty", Str, ""),
                    Field("technique", Str, ""),
                    Field("technique_name", Str, ""),
                    Field("why", Str, ""),
                    Field("evidence", List(Str), ""),
                )
            ),
            "",
            doc="Each with its technique of MITRE ATT&CK and the rules, statements and findings behind it.",
        ),
        Column("likelihood_why", _FACTORS, ""),
        Column("damage_why", _FACTORS, ""),
        Column("techniques", List(Str), ""),
        Column(
            "changes",
            List(
                Struct(
                    Field("kind", Str, ""),
                    Field("subject", Str, ""),
                    Field("text", Str, ""),
                    Field("check_id", Str, ""),
                )
            ),
            "",
            doc="Each of these alone cuts the best route; `check_id`: the check whose fix tells how.",
        ),
        Column("routes", Int, "", doc="How many ways lead from the entry over the same first thing."),
    ),
)

attack_target = Table(
    "attack_target",
    service="iam",
    scope="regional",
    doc="What would hurt, and who gets at it: administrator rights over each account, classified data,"
    " secrets, the keys of such data, backup vaults. What administrators reach by being such is told of"
    " the account alone.",
    rows=Analysis(
        "partywall.analysis.attack_paths.tables:attack_targets",
        dict(INPUTS),
        TARGETS,
    ),
    arn="",
    columns=(
        Column("kind", _TARGET, "", doc="`admin`: administrator rights over the account."),
        Column(
            "table_name", Str, "", doc="The table that has more of it; `account` of administrator rights."
        ),
        Column("damage", Int, "", doc="0 to 100."),
        Column("from_internet", Bool, "", doc="A certain or possible path leads there from the internet."),
        Column("from_other_account", Bool, "", doc="From an account that was not scanned."),
        Column("from_access_key", Bool, "", doc="From an active access key, if it leaks."),
        Column("from_workload", Bool, "", doc="From an instance, function or task that runs with a role."),
        Column("certain", Bool, "", doc="Some path hangs on nothing but the configuration."),
        Column("likelihood", Int, "", doc="Of its likeliest path, of 100; 0: none."),
        Column("paths", Int, "", doc="How many known paths lead there."),
        Column("entries", List(Str), "", doc="From where."),
        Column("path_text", Str, "", doc="The worst path in one line; empty: none."),
        Column("internet_path_text", Str, "", doc="The worst from the internet; empty: none."),
    ),
)

TABLES = (attack_path, attack_target)
