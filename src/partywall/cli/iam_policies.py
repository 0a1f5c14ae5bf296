"""Policy checks before they ship: lint, no-new-access, access-not-granted, no-public-access.

Exit codes: 0 nothing to stop for, 1 findings of ERROR or SECURITY_WARNING (or access that should not be, or
a question left undecided), 2 a file that cannot be read. Files are policy documents, account authorization
details, CloudFormation templates (JSON or YAML) and Terraform plans as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.analysis.iam.lint.codes import Finding
    from partywall.analysis.iam.lint.compared import Judged

Kind = Literal["identity", "resource", "trust", "scp", "rcp"]
Form = Literal["table", "json"]
LintForm = Literal["table", "json", "sarif"]
_LARGEST = 50_000_000


def register(app: typer.Typer) -> None:
    """Adds the commands to the `iam` group."""
    app.command("lint")(lint)
    app.command("no-new-access")(no_new_access)
    app.command("access-not-granted")(access_not_granted)
    app.command("no-public-access")(no_public_access)


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            return sys.stdin.read()
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} is larger than {_LARGEST} bytes: give the policies in smaller files")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}): give a JSON file in UTF-8") from error


def _policies(path: Path) -> str:
    """A file's text that holds policies, or a template or plan that could."""
    from partywall.analysis.iam.lint.positions import JsonError, Source, parse
    from partywall.analysis.iam.lint.sources import is_yaml

    text = _read(path)
    try:
        parse(text)
    except JsonError as error:
        if is_yaml(text):
            return text
        line, column = Source(text).place(error.offset)
        raise UserError(f"{path}:{line}:{column} is not JSON ({error}): give a policy document") from error
    return text


def _plain(text: str) -> str:
    """Text of a file without what a terminal would obey."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def lint(
    files: Annotated[list[Path], typer.Argument(help="Policies, account details, templates; - reads input.")],
    kind: Annotated[Kind | None, typer.Option("--type", help="What a plain policy is attached to.")] = None,
    form: Annotated[LintForm, typer.Option("--format", help="table, json or sarif.")] = "table",
) -> None:
    """Check policies by the codes of IAM Access Analyzer's policy validation, without AWS."""
    from partywall.analysis.iam.lint.codes import BLOCKING, PolicyType
    from partywall.analysis.iam.lint.sources import lint_file

    found: list[tuple[Path, Finding]] = []
    number = 0
    for path in files:
        findings, policies = lint_file(_read(path), PolicyType(kind) if kind else None)
        found += [(path, finding) for finding in findings]
        number += policies
    if form == "sarif":
        from partywall.analysis.iam.lint.sarif import sarif

        print(json.dumps(sarif([(str(path), finding) for path, finding in found]), indent=2))
    elif form == "json":
        print(json.dumps([_record(path, finding) for path, finding in found], indent=2))
    else:
        for path, f in found:
            named = f" [{_plain(f.policy)}]" if f.policy else ""
            print(f"{path}:{f.line}:{f.column}: {f.severity} {f.code}{named} {_plain(f.message)}")
        print(f"{number} policies, {len(found)} findings", file=sys.stderr)
    if any(finding.severity in BLOCKING for _, finding in found):
        raise typer.Exit(1)


def _record(path: Path, f: Finding) -> dict[str, object]:
    return {
        "file": str(path),
        "policy": f.policy,
        "findingType": str(f.severity),
        "issueCode": f.code,
        "message": f.message,
        "path": f.path,
        "line": f.line,
        "column": f.column,
    }


def no_new_access(
    old: Annotated[Path, typer.Argument(help="The policy, template or plan as it is.")],
    new: Annotated[Path, typer.Argument(help="The policy, template or plan as it shall be.")],
    form: Annotated[Form, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say whether a policy, or one of a template or plan, allows what its former self does not."""
    from partywall.analysis.iam.lint.compared import new_access

    _tell(new, new_access(_policies(old), _policies(new)), form, "new access", "no new access")


def access_not_granted(
    policy: Annotated[Path, typer.Argument(help="The policy, template or plan.")],
    action: Annotated[list[str] | None, typer.Option("--action", help="An action; may be repeated.")] = None,
    resource: Annotated[list[str] | None, typer.Option("--resource", help="An ARN; may be repeated.")] = None,
    form: Annotated[Form, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say whether a policy allows one of the actions on one of the resources."""
    from partywall.analysis.iam.lint.compared import not_granted

    if not action and not resource:
        raise UserError("nothing is named that must not be granted: give --action or --resource")
    judged = not_granted(_policies(policy), action or [], resource or [])
    _tell(policy, judged, form, "access granted", "access not granted")


def no_public_access(
    policy: Annotated[Path, typer.Argument(help="A resource-based policy, or a template or plan with some.")],
    account: Annotated[str, typer.Option("--account", help="The account that owns the resource.")] = "",
) -> None:
    """Say whether a resource policy admits the public."""
    from partywall.analysis.iam.lint.compared import not_public

    bad = False
    for name, line, public, statements in not_public(_policies(policy), account):
        where = f"{policy}:{line}: [{name}] " if name else ""
        if public is None:
            told = "not decided: whether the policy is public cannot be read from it"
        elif public:
            told = f"public access: {', '.join(statements)}"
        else:
            told = "no public access"
        print(_plain(f"{where}{told}"))
        bad |= public is not False
    if bad:
        raise typer.Exit(1)


def _tell(path: Path, judged: list[Judged], form: Form, found: str, none: str) -> None:
    from partywall.analysis.iam.compare import Outcome

    words = {Outcome.NEW: found, Outcome.NONE: none, Outcome.UNDECIDED: "not decided"}
    if form == "json":
        records = [_judged_record(path, each, words[each.result.outcome]) for each in judged]
        alone = len(judged) == 1 and not judged[0].name
        print(json.dumps(records[0] if alone else records, indent=2))
    else:
        for each in judged:
            _tell_one(path, each, words[each.result.outcome])
    if not judged:
        print(f"{path} holds no policies", file=sys.stderr)
    if any(each.result.outcome is not Outcome.NONE for each in judged):
        raise typer.Exit(1)


def _judged_record(path: Path, each: Judged, word: str) -> dict[str, object]:
    access = each.result.access
    record: dict[str, object] = {"outcome": word, "reason": each.result.reason}
    if each.name:
        record |= {"file": str(path), "line": each.line, "policy": each.name}
    if access is not None:
        record["example"] = {
            "action": access.action,
            "resource": access.resource,
            "principal": access.principal,
            "context": access.context,
            "statement": each.result.statement,
        }
    return record


def _tell_one(path: Path, each: Judged, word: str) -> None:
    result, access = each.result, each.result.access
    where = f"{path}:{each.line}: [{each.name}] " if each.name else ""
    print(_plain(f"{where}{word}" + (f": {result.reason}" if result.reason else "")))
    if access is not None:
        who = f" by {access.principal}" if access.principal else ""
        print(_plain(f"  {access.action} on {access.resource}{who}, by {result.statement}"))
        for key, values in sorted(access.context.items()):
            given = "missing" if values is None else ", ".join(values)
            print(_plain(f"  where {key} is {given}"))
