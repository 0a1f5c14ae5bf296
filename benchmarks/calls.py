"""Counts the API calls of a scan of the demo's production account, and of another scanner's over the same.

    python benchmarks/calls.py                                         # ours alone
    python benchmarks/calls.py -- prowler aws -f us-east-1 eu-west-1 eu-central-1 -M csv -o /tmp/out

What follows `--` is run with the account's credentials and AWS_ENDPOINT_URL set to the emulator; that scanner
is not part of this project and must be installed by whoever compares. Prints calls, wall and CPU seconds and
peak memory (MB) of each, and ours as a share of the other's: over everything, over the services that both
ask, and in the Region that has least, where nearly every call is a listing that finds nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from partywall.demo.desk import REGIONS
from partywall.demo.emulator import Emulator
from partywall.demo.organisation import seed

# A small process of its own starts each command, so that the command's peak memory is not this one's.
_WRAPPER = """
import json, resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": done.returncode, "error": done.stderr[-300:], "wall": time.monotonic() - began,
                  "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024}))
"""


@dataclass(frozen=True)
class Measured:
    """Calls, wall seconds, CPU seconds and peak memory; and each call as service and Region."""

    figures: list[float]
    calls: list[tuple[str, str]]

    def services(self) -> set[str]:
        return {service for service, _ in self.calls}

    def over(self, services: set[str]) -> int:
        """Calls to these services."""
        return sum(service in services for service, _ in self.calls)

    def least(self) -> int:
        """Calls to the scanned Region that got fewest."""
        found = Counter(region for _, region in self.calls)
        return min(found[region] for region in REGIONS)


def measured(emulator: Emulator, name: str, command: Sequence[str], env: dict[str, str]) -> Measured:
    """Runs a command, prints its figures and returns them."""
    calls = len(emulator.requests)
    wrapped = [sys.executable, "-c", _WRAPPER, *command]
    told = json.loads(subprocess.run(wrapped, env=env, capture_output=True, text=True, check=True).stdout)
    figures = [len(emulator.requests) - calls, told["wall"], told["cpu"], told["memory"]]
    print(
        f"{name:24} {figures[0]:6.0f} calls {figures[1]:7.1f} s wall"
        f" {figures[2]:7.1f} s CPU {figures[3]:6.0f} MB"
    )
    if told["code"] not in (0, 1, 3):
        print(f"  exit {told['code']}: {told['error'].strip()}")
    asked = [(service, region) for service, _, _, region in list(emulator.requests)[calls:]]
    return Measured(figures, asked)


def main() -> None:
    """Seeds the emulator and scans its production account: ours twice, then the other."""
    other = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    with Emulator() as emulator, tempfile.TemporaryDirectory() as data:
        account = next(a for a in seed(emulator.url).accounts if a.name == "production")
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env.update(
            AWS_ENDPOINT_URL=emulator.url, AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true"
        )
        import boto3

        sts = boto3.client(
            "sts",
            region_name="us-east-1",
            endpoint_url=emulator.url,
            aws_access_key_id="AKIABRIGHTWATER00001",
            aws_secret_access_key="the-emulator-checks-no-signature",
        )
        keys = sts.assume_role(RoleArn=account.role_arn, RoleSessionName="benchmark")["Credentials"]
        env.update(
            AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
            AWS_SESSION_TOKEN=keys["SessionToken"],
        )
        ours = [
            sys.executable,
            "-m",
            "partywall",
            "scan",
            "-q",
            "--data",
            data,
            "--regions",
            ",".join(REGIONS),
        ]
        same = measured(emulator, "ours, a peer's checks", [*ours, "--checks", "prowler:*"], env)
        whole = measured(emulator, "ours, everything", ours, env)
        if other:
            theirs = measured(emulator, "the other", other, env)
            units = ("calls", "wall", "CPU", "memory")
            for name, ours_ in (("a peer's checks", same), ("everything", whole)):
                pairs = zip(units, ours_.figures, theirs.figures, strict=True)
                shares = [f"{unit} {a / b:.2f}" for unit, a, b in pairs]
                both = ours_.services() & theirs.services()
                a, b = ours_.over(both), theirs.over(both)
                shares.append(f"calls to the {len(both)} services that both ask {a / b:.2f} ({a} of {b})")
                a, b = ours_.least(), theirs.least()
                shares.append(f"calls to the Region with least {a / b:.2f} ({a} of {b})")
                print(f"ours, {name}, as a share of the other: {', '.join(shares)}")


if __name__ == "__main__":
    main()
