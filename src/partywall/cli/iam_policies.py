"""Policy checks before they ship: lint, no-new-access, access-not-granted, no-public-access.

Exit codes: 0 nothing to stop for, 1 findings of ERROR or SECURITY_WARNING (or access that should not be, or
a question left undecided), 2 a file that cannot be read. Files are policy documents, account authorization
details, CloudFormation templates (JSON or YAML) and Terraform plans as JSON; of a directory all such files
beneath it, other files left aside.
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
_SUFFIXES = frozenset((".json", ".yaml", ".yml", ".template"))
_EMPTY = '{"Version": "2012-10-17", "Statement": []}'


def register(app: typer.Typer) -> None:
    """Adds the commands to the `iam` group."""
    app.command("lint")(lint)
    app.command("no-new-access")(no_new_access)
    app.command("access-not-granted")(access_not_granted)
    app.command("no-public-access")(no_public_access)


def _files(path: Path) -> list[Path]:
    """The file, or those beneath a directory that hold policies. Raises UserError where there are none."""
    from partywall.analysis.iam.lint.sources import holds_policies

    if not path.is_dir():
        return [path]
    named = (p for p in sorted(path.rglob("*")) if p.suffix in _SUFFIXES and p.is_file())
    found = [p for p in named if holds_policies(_read(p))]
    if not found:
        endings = ", ".join(sorted(_SUFFIXES))
        raise UserError(f"{path} holds no file with policies: give a directory with some ({endings})")
    return found


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            return sys.stdin.read()
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} is larger than {_LARGEST} bytes: give the policies in smaller files")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8: give a policy, template or plan") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): give a file that is there") from error


def _document(path: Path, *, broken: bool = False) -> str:
    """A file's text that holds policies, or a template or plan that could; `broken`: or JSON with faults."""
    from partywall.analysis.iam.lint.positions import JsonError, Source, parse
    from partywall.analysis.iam.lint.sources import is_yaml

    text = _read(path)
    try:
        parse(text)
    except JsonError as error:
        if is_yaml(text) or (broken and text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")):
            return text
        line, column = Source(text).place(error.offset)
        raise UserError(
            f"{path}:{line}:{column} is neither JSON ({error}) nor a template in YAML: give a policy,"
            " template or plan"
        ) from error
    return text


def _plain(text: str) -> str:
    """Text of a file without what a terminal would obey."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def lint(
    files: Annotated[
        list[Path], typer.Argument(help="Policies, account details, templates, directories; - reads input.")
    ],
    kind: Annotated[Kind | None, typer.Option("--type", help="What a plain policy is attached to.")] = None,
    form: Annotated[LintForm, typer.Option("--format", help="table, json or sarif.")] = "table",
) -> None:
    """Check policies by the codes of IAM Access Analyzer's policy validation, without AWS."""
    from partywall.analysis.iam.lint.codes import BLOCKING, PolicyType
    from partywall.analysis.iam.lint.sources import lint_file

    found: list[tuple[Path, Finding]] = []
    number = 0
    for path in (each for given in files for each in _files(given)):
        findings, policies = lint_file(_document(path, broken=True), PolicyType(kind) if kind else None)
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
    old: Annotated[Path, typer.Argument(help="The policy, template, plan or directory as it is.")],
    new: Annotated[Path, typer.Argument(help="The policy, template or plan as it shall be.")],
    form: Annotated[Form, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say whether a policy, or one of a template or plan, allows what its former self does not."""
    from partywall.analysis.iam.lint.compared import new_access

    if new.is_dir() != old.is_dir():
        raise UserError("one is a directory and the other a file: give two of a kind")
    judged: list[tuple[Path, Judged]] = []
    for path in _files(new):
        former = old / path.relative_to(new) if new.is_dir() else old
        before = _document(former) if former.exists() or not new.is_dir() else _EMPTY
        judged += [(path, each) for each in new_access(before, _document(path))]
    _tell(new, judged, form, "new access", "no new access")


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
    for name in action or ():
        _known(name)
    judged = [
        (path, each)
        for path in _files(policy)
        for each in not_granted(_document(path), action or [], resource or [])
    ]
    _tell(policy, judged, form, "access granted", "access not granted")


def _known(action: str) -> None:
    """Raises UserError for an action, or pattern of some, that AWS does not have: nothing would grant it."""
    from partywall.analysis.iam.lint import reference
    from partywall.errors import did_you_mean

    service, colon, name = action.lower().partition(":")
    if action.strip("*") == "" or (not colon and "*" in action) or "*" in service or "?" in service:
        return
    if service not in reference.services():
        hint = did_you_mean(service, reference.services(), ": write it as service:Action")
        raise UserError(f"there is no action {action!r}, for AWS has no service {service!r}{hint}")
    if not reference.is_action(service, name):
        spelled = reference.actions(service)
        near = did_you_mean(
            action.partition(":")[2], spelled.values(), f": see the actions of {service} in AWS's reference"
        )
        raise UserError(f"{service} has no action {action!r}{near}")


def no_public_access(
    policy: Annotated[Path, typer.Argument(help="A resource-based policy, or a template or plan with some.")],
    account: Annotated[str, typer.Option("--account", help="The account that owns the resource.")] = "",
    form: Annotated[Form, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say whether a resource policy admits the public."""
    from partywall.analysis.iam.lint.compared import not_public

    if account and not (len(account) == 12 and account.isdigit()):
        raise UserError(f"{account!r} is no account id: give its 12 digits")
    words = {True: "public access", False: "no public access", None: "not decided"}
    told = [
        (path, *each)
        for path in _files(policy)
        for each in not_public(_document(path), account, alone=path == policy)
    ]
    if form == "json":
        records = [
            {
                "outcome": words[public],
                "statements": statements,
                "file": str(path),
                "line": line,
                "policy": name,
            }
            for path, name, line, public, statements in told
        ]
        print(json.dumps(records, indent=2))
    else:
        for path, name, line, public, statements in told:
            where = f"{path}:{line}: " if name or path != policy else ""
            where += f"[{name}] " if name else ""
            listed = f": {', '.join(statements)}" if statements else ""
            hint = ": what it is comes only with the deployment, or cannot be read" if public is None else ""
            print(_plain(f"{where}{words[public]}{listed}{hint}"))
    if not told:
        print(f"{policy} holds no resource-based policies", file=sys.stderr)
    if any(public is not False for *_, public, _ in told):
        raise typer.Exit(1)


def _tell(given: Path, judged: list[tuple[Path, Judged]], form: Form, found: str, none: str) -> None:
    from partywall.analysis.iam.compare import Outcome

    words = {Outcome.NEW: found, Outcome.NONE: none, Outcome.UNDECIDED: "not decided"}
    if form == "json":
        records = [_judged_record(path, each, words[each.result.outcome]) for path, each in judged]
        alone = len(judged) == 1 and not judged[0][1].name
        print(json.dumps(records[0] if alone else records, indent=2))
    else:
        for path, each in judged:
            _tell_one(path, each, words[each.result.outcome], named=path != given)
    if not judged:
        print(f"{given} holds no policies", file=sys.stderr)
    if any(each.result.outcome is not Outcome.NONE for _, each in judged):
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


def _tell_one(path: Path, each: Judged, word: str, *, named: bool) -> None:
    result, access = each.result, each.result.access
    where = f"{path}:{each.line}: " if each.name or named else ""
    where += f"[{each.name}] " if each.name else ""
    print(_plain(f"{where}{word}" + (f": {result.reason}" if result.reason else "")))
    if access is not None:
        who = f" by {access.principal}" if access.principal else ""
        print(_plain(f"  {access.action} on {access.resource}{who}, by {result.statement}"))
        for key, values in sorted(access.context.items()):
            given = "missing" if values is None else ", ".join(values)
            print(_plain(f"  where {key} is {given}"))
