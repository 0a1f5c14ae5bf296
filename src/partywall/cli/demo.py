"""`partywall demo`: the sample organisation on a local emulator, scanned as AWS would be."""

from __future__ import annotations

import os
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.aws.credentials import Identity
    from partywall.demo.organisation import SeedSummary

INTENTS: Final = Path(__file__).parent.parent / "demo" / "intents.yaml"
"""What the sample organisation says may and must not reach what."""


def run(data: Path, *, keep: bool, samples: bool) -> int:
    """Seeds the emulator, scans its three accounts over HTTP, prints the summary and writes the report."""
    for needed in ("moto", "flask", "boto3"):
        if find_spec(needed) is None:
            raise UserError(f"the demo needs {needed}; install it with: pip install 'partywall[demo]'")
    from partywall.cli.scanning import Request
    from partywall.cli.scanning import run as scan
    from partywall.demo.desk import REGIONS
    from partywall.demo.emulator import EmulatorProcess
    from partywall.demo.organisation import seed

    began = time.monotonic()
    with EmulatorProcess() as emulator:
        _tell(f"a local AWS emulator serves on {emulator.url}")
        summary = seed(emulator.url)
        if samples:
            from partywall.demo.samples import deploy_samples

            deploy_samples(emulator.url)
        _tell(f"filled with {summary.total} things of {len(summary.created)} services in 3 accounts")
        _use(emulator.url, summary)
        request = Request(
            profile=None,
            role_arns=(),
            external_id=None,
            mfa_serial=None,
            regions=tuple(REGIONS),
            services=(),
            checks=(),
            severities=(),
            tags=(),
            tables=(),
            checks_dirs=(),
            config=None,
            data=data,
            formats=("html",),
            output=None,
            fail_on=None,
            fail_on_unknown=False,
            max_rate=None,
            concurrency=64,
            resume=False,
            quiet=False,
            intents=INTENTS,
        )
        code = scan(request, identities(summary))
        _tell(f"done in {time.monotonic() - began:.0f} s")
        if keep:
            _wait(emulator.url, summary)
    return code


def identities(summary: SeedSummary) -> list[Identity]:
    """Credentials for every account of the sample organisation."""
    from partywall.aws.credentials import resolve

    return [resolve(role_arn=account.role_arn or None, region="us-east-1") for account in summary.accounts]


def _use(url: str, summary: SeedSummary) -> None:
    """Points this process at the emulator, whatever AWS settings the user has."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        del os.environ[name]
    first = next(a for a in summary.accounts if not a.role_arn)
    os.environ.update(
        AWS_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID=first.access_key_id,
        AWS_SECRET_ACCESS_KEY=first.secret_access_key,
        AWS_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )


def _wait(url: str, summary: SeedSummary) -> None:
    width = shutil.get_terminal_size().columns
    print("-" * min(width, 80))
    print("The emulator stays until you press Ctrl-C. In another terminal:\n")
    first = next(a for a in summary.accounts if not a.role_arn)
    print(f"  export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1")
    print(f"  export AWS_ACCESS_KEY_ID={first.access_key_id}")
    print(f"  export AWS_SECRET_ACCESS_KEY={first.secret_access_key}")
    roles = " ".join(f"--role-arn {a.role_arn}" for a in summary.accounts if a.role_arn)
    print(f"  partywall scan --regions us-east-1,eu-west-1,eu-central-1 {roles}\n", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print("stopped")


def _tell(text: str) -> None:
    print(f"partywall demo: {text}", file=sys.stderr, flush=True)
