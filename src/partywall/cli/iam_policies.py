"""Policy checks before they ship: lint, no-new-access, access-not-granted, no-public-access.

Exit codes: 0 nothing to stop for, 1 findings of ERROR or SECURITY_WARNING (or access that should not be, or
a question left undecided), 2 a file that cannot be read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.analysis.iam.compare import Comparison
    from partywall.analysis.iam.lint.codes import Finding

Kind = Literal["identity", "resource", "trust", "scp", "rcp"]
Form = Literal["table", "json"]
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


def _policy(path: Path) -> str:
    """A file's text that is JSON."""
    from partywall.analysis.iam.lint.positions import JsonError, Source, parse

    text = _read(path)
    try:
        parse(text)
    except JsonError as error:
        line, column = Source(text).place(error.offset)
        raise UserError(f"{path}:{line}:{column} is not JSON ({error}): give a policy document") from error
    return text


def _plain(text: str) -> str:
    """Text of a file without what a terminal would obey."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def lint(
    files: Annotated[list[Path], typer.Argument(help="Policies, account details, templates; - reads input.")],
    kind: Annotated[Kind | None, typer.Option("--type", help="What a plain policy is attached to.")] = None,
    form: Annotated[Form, typer.Option("--format", help="table or json.")] = "table",
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
    if form == "json":
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
    old: Annotated[Path, typer.Argument(help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(help="The policy as it shall be.")],
    form: Annotated[Form, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say whether a policy allows anything that another does not, with an example."""
    from partywall.analysis.iam.compare import no_new_access as compare

    _tell(compare(_policy(old), _policy(new)), form, "new access", "no new access")


def access_not_granted(
    policy: Annotated[Path, typer.Argument(help="The policy.")],
    action: Annotated[list[str] | None, typer.Option("--action", help="An action; may be repeated.")] = None,
    resource: Annotated[list[str] | None, typer.Option("--resource", help="An ARN; may be repeated.")] = None,
    form: Annotated[Form, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say whether a policy allows one of the actions on one of the resources."""
    from partywall.analysis.iam.compare import access_not_granted as compare

    if not action and not resource:
        raise UserError("nothing is named that must not be granted: give --action or --resource")
    result = compare(_policy(policy), action or (), resource or ())
    _tell(result, form, "access granted", "access not granted")


def no_public_access(
    policy: Annotated[Path, typer.Argument(help="A resource-based policy.")],
    account: Annotated[str, typer.Option("--account", help="The account that owns the resource.")] = "",
) -> None:
    """Say whether a resource policy admits the public."""
    from partywall.analysis.iam.compare import no_public_access as compare

    public, statements = compare(_policy(policy), account)
    if public is None:
        print("not decided: whether the policy is public cannot be read from it")
    elif public:
        print(_plain(f"public access: {', '.join(statements)}"))
    else:
        print("no public access")
    if public is not False:
        raise typer.Exit(1)


def _tell(result: Comparison, form: Form, found: str, none: str) -> None:
    from partywall.analysis.iam.compare import Outcome

    words = {Outcome.NEW: found, Outcome.NONE: none, Outcome.UNDECIDED: "not decided"}
    access = result.access
    if form == "json":
        record: dict[str, object] = {"outcome": words[result.outcome], "reason": result.reason}
        if access is not None:
            record["example"] = {
                "action": access.action,
                "resource": access.resource,
                "principal": access.principal,
                "context": access.context,
                "statement": result.statement,
            }
        print(json.dumps(record, indent=2))
    else:
        print(words[result.outcome] + (f": {_plain(result.reason)}" if result.reason else ""))
        if access is not None:
            who = f" by {access.principal}" if access.principal else ""
            print(_plain(f"  {access.action} on {access.resource}{who}, by {result.statement}"))
            for key, values in sorted(access.context.items()):
                given = "missing" if values is None else ", ".join(values)
                print(_plain(f"  where {key} is {given}"))
    if result.outcome is not Outcome.NONE:
        raise typer.Exit(1)
