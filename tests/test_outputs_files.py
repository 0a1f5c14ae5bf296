"""JSON, CSV and the writing of files: whole or not at all, harmless, valid."""

from __future__ import annotations

import csv
import errno
import io
import json
import re
import stat
from pathlib import Path

import jsonschema
import pytest

import partywall.outputs
from partywall.errors import UserError
from partywall.outputs import FORMATS, dump, write
from partywall.outputs.table import HEADER, cell
from partywall.outputs.words import FORMAT_WORDS, STATUSES
from tests.outputs_reports import HOSTILE, empty_report, make_report

SCHEMA = Path(partywall.outputs.__file__).parent / "schema" / "report.schema.json"
# What a spreadsheet takes for a formula, and what a terminal obeys or misreads.
FORMULA = tuple("=+-@\t\r")
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def dumped(report, format: str) -> bytes:
    stream = io.BytesIO()
    dump(report, format, stream)
    return stream.getvalue()


@pytest.mark.parametrize("make", [make_report, empty_report])
def test_json_keeps_its_schema(make):
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    report = make()
    found = json.loads(dumped(report, "json"))
    jsonschema.Draft202012Validator(schema).validate(found)
    assert len(found["findings"]) == report.findings.num_rows


def test_json_gives_every_value_back_unchanged():
    report = make_report(200)
    found = json.loads(dumped(report, "json"))["findings"]
    names = report.findings.column("resource_name").to_pylist()
    assert [row["resource_name"] for row in found] == names
    assert set(HOSTILE) <= set(names)
    assert [row["finding_id"] for row in found] == report.findings.column("finding_id").to_pylist()
    assert found[0]["last_seen"] == "2026-03-14T09:26:53.589Z"


def test_json_says_the_catalogue_once():
    text = dumped(make_report(300), "json").decode()
    assert text.count("S3 buckets refuse requests without TLS: otherwise") == 1


def test_csv_has_no_formula_control_character_or_torn_line():
    data = dumped(make_report(500), "csv").decode()
    table = list(csv.reader(io.StringIO(data, newline="")))
    assert tuple(table[0]) == HEADER
    assert len(table) == 501 == data.count("\r\n")
    for line in table[1:]:
        assert len(line) == len(HEADER)
        for value in line:
            assert not value.startswith(FORMULA)
            assert not UNSAFE.search(value)
            assert len(value) < 32_767


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "\n=1", "＝1"])
def test_csv_cell_defuses_formulas(text):
    assert cell(text).startswith("'")


def test_csv_cell_leaves_harmless_text_alone():
    assert [cell(text) for text in ("", "my-bucket", "a=b", "日本語 🧱")] == [
        "",
        "my-bucket",
        "a=b",
        "日本語 🧱",
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_writes_an_empty_report(format, tmp_path):
    path = write(empty_report(), format, tmp_path / f"report{FORMATS[format].suffix}")
    assert path.stat().st_size
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"csv"}))
def test_no_raw_control_character_in_any_file(format, tmp_path):
    text = write(make_report(100), format, tmp_path / "report").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text)


def test_a_writer_that_fails_leaves_the_old_report(tmp_path, monkeypatch):
    target = tmp_path / "report.json"
    target.write_text("old")

    def full(report, stream):
        stream.write(b"{" * 1_000_000)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("partywall.outputs.native.dump", full)
    with pytest.raises(UserError, match="No space left on device"):
        write(make_report(1), "json", target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_bug_in_a_writer_leaves_no_half_file(tmp_path, monkeypatch):
    def broken(report, stream):
        stream.write(b"{")
        raise ZeroDivisionError

    monkeypatch.setattr("partywall.outputs.native.dump", broken)
    with pytest.raises(ZeroDivisionError):
        write(make_report(1), "json", tmp_path / "report.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_a_user_error(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "open", lambda self, *args, **kwargs: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
    with pytest.raises(UserError, match="free space"):
        write(make_report(2000), "json", tmp_path / "report.json")


def test_a_directory_that_is_not_there_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        write(make_report(1), "csv", tmp_path / "missing" / "report.csv")


def test_a_target_that_is_a_directory_is_a_user_error(tmp_path):
    (tmp_path / "report").mkdir()
    with pytest.raises(UserError):
        write(make_report(1), "csv", tmp_path / "report")
    assert [item.name for item in tmp_path.iterdir()] == ["report"]


def test_the_file_has_ordinary_permissions(tmp_path):
    (tmp_path / "other").touch()
    path = write(make_report(1), "csv", tmp_path / "report.csv")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(UserError, match="did you mean sarif"):
        dump(make_report(1), "sarrif", io.BytesIO())


def test_words_are_said_for_every_format():
    assert set(FORMAT_WORDS) == {*FORMATS, "console"}
    assert all(set(words) == set(STATUSES) for words in FORMAT_WORDS.values())
