"""Regular expressions that mean the same in RE2 (DuckDB), Java (Spark) and Python: a subset, made explicit.

What is taken: literals, `.`, classes, `\\d \\w \\s` and their negations, groups, `|`, `* + ? {m,n}` (lazy or
not), `^` and `$`. Engines differ on `$`, `.`, `\\s` and case folding, so each is written out: `.` is any
character but a line feed, `$` the very end, and a leading `(?i)` folds the ASCII letters only.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

_CLASSES = {
    "d": "0-9",
    "w": "0-9A-Za-z_",
    "s": r" \t\n\r\f",
}
_CONTROLS = {"n": r"\n", "t": r"\t", "r": r"\r", "f": r"\f"}
_PLAIN = frozenset(string.ascii_letters + string.digits + " _-:/@=,<>%&;'\"`~#!")
_MAX_LENGTH = 1000
_MAX_REPEAT = 100


class RegexError(ValueError):
    """The pattern is not in the portable subset; `at` is the offset in it."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Regex:
    """A portable pattern: `source` for RE2 and Java, and `sample`, a text that it finds."""

    source: str
    sample: str

    @property
    def python(self) -> str:
        """The same for Python's `re`, which writes the end of the text as `\\Z`."""
        return self.source.replace(r"\z", r"\Z")


def _literal(char: str, fold: bool) -> str:
    if fold and char in string.ascii_letters:
        return f"[{char.lower()}{char.upper()}]"
    return _escaped(char)


def _escaped(char: str) -> str:
    if char in _PLAIN or ord(char) > 127:
        return char
    if char in "\n\t\r\f":
        return {"\n": r"\n", "\t": r"\t", "\r": r"\r", "\f": r"\f"}[char]
    return "\\" + char


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.fold = False
        self.repeats = 1

    def fail(self, message: str, at: int | None = None) -> RegexError:
        return RegexError(message, self.at if at is None else at)

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def take(self) -> str:
        char = self.peek()
        self.at += 1
        return char

    def parse(self) -> Regex:
        if len(self.text) > _MAX_LENGTH:
            raise self.fail(f"the pattern is longer than {_MAX_LENGTH} characters")
        if self.text.startswith("(?i)"):
            self.fold = True
            self.at = 4
        source, sample = self.alternatives()
        if self.at < len(self.text):
            raise self.fail("unbalanced )")
        return Regex(source, sample)

    def alternatives(self) -> tuple[str, str]:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.take()
            branches.append(self.sequence())
        return "|".join(source for source, _ in branches), branches[0][1]

    def sequence(self) -> tuple[str, str]:
        source, sample = "", ""
        while self.peek() not in ("", "|", ")"):
            piece, text, repeatable = self.atom()
            piece, text = self.repeated(piece, text, repeatable)
            source += piece
            sample += text
        return source, sample

    def atom(self) -> tuple[str, str, bool]:
        start = self.at
        char = self.take()
        if char == "(":
            if self.peek() == "?":
                if self.text[self.at : self.at + 2] != "?:":
                    raise self.fail("only (?: ) groups, and (?i) at the very start, are portable", start)
                self.at += 2
            source, sample = self.alternatives()
            if self.take() != ")":
                raise self.fail("unbalanced (", start)
            return f"(?:{source})", sample, True
        if char == "[":
            source, sample = self.char_class(start)
            return source, sample, True
        if char == ".":
            return r"[^\n]", "x", True
        if char == "^":
            return "^", "", False
        if char == "$":
            return r"\z", "", False
        if char == "\\":
            return *self.escape(start), True
        if char in "*+?{":
            raise self.fail(f"nothing before {char} to repeat; write \\{char} for the character", start)
        return _literal(char, self.fold), char, True

    def escape(self, start: int) -> tuple[str, str]:
        char = self.take()
        if char in _CLASSES:
            return f"[{_CLASSES[char]}]", {"d": "7", "w": "a", "s": " "}[char]
        if char.lower() in _CLASSES and char:
            return f"[^{_CLASSES[char.lower()]}]", "." if char != "S" else "x"
        if char in _CONTROLS and char:
            return _CONTROLS[char], {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}[char]
        if not char or char.isalnum() or ord(char) > 127:
            raise self.fail(f"\\{char} is not portable between engines", start)
        return _escaped(char), char

    def repeated(self, source: str, sample: str, repeatable: bool) -> tuple[str, str]:
        start = self.at
        char = self.peek()
        if char not in ("*", "+", "?", "{"):
            return source, sample
        if not repeatable:
            raise self.fail("^ and $ cannot be repeated")
        self.take()
        if char == "{":
            end = self.text.find("}", self.at)
            low, comma, high = self.text[self.at : end].partition(",") if end >= 0 else ("", "", "")
            self.at = end + 1
            if (
                not low.isdecimal()
                or not low.isascii()
                or (high and not (high.isdecimal() and high.isascii()))
            ):
                raise self.fail("write {m}, {m,} or {m,n}, or \\{ for the character", start)
            most = int(high or low)
            self.repeats *= max(most, 1)
            if most > _MAX_REPEAT or self.repeats > 1000 or (high and int(low) > int(high)):
                raise self.fail(
                    f"a counted repetition goes to {_MAX_REPEAT}, in order and not nested deeply", start
                )
            source += "{" + low + comma + high + "}"
            sample *= int(low)
        else:
            source += char
        if self.peek() == "?":
            source += self.take()
        if self.peek() in ("*", "+", "?", "{"):
            raise self.fail("a repetition cannot be repeated; use a group")
        return source, sample

    def class_char(self, start: int) -> tuple[str, bool]:
        """One member of a class: a character, or (second True) the inside of a named class."""
        char = self.take()
        if not char:
            raise self.fail("unbalanced [", start)
        if char == "[":
            raise self.fail("write \\[ inside a class", self.at - 1)
        if char != "\\":
            return char, False
        char = self.take()
        if char in _CLASSES:
            return _CLASSES[char], True
        if char in _CONTROLS:
            return {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}[char], False
        if not char or char.isalnum() or ord(char) > 127:
            raise self.fail(f"\\{char} is not portable inside a class", self.at - 2)
        return char, False

    def char_class(self, start: int) -> tuple[str, str]:
        negated = self.peek() == "^"
        if negated:
            self.take()
        inside, members = "", ""
        while self.peek() != "]":
            char, named = self.class_char(start)
            if named:
                inside += char
                members += char[0]
                continue
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.take()
                last, last_named = self.class_char(start)
                if last_named or last < char:
                    raise self.fail("a range goes from a lower to a higher character", start)
                inside += self.folded_range(char, last, start)
            else:
                inside += self.folded_range(char, char, start)
            members += char
        self.take()
        if not inside:
            raise self.fail("an empty class", start)
        if not negated:
            return f"[{inside}]", members[0]
        return f"[^{inside}]", next((c for c in "xy7 .-Z~" if c not in members), "é")

    def folded_range(self, first: str, last: str, start: int) -> str:
        def written(low: str, high: str) -> str:
            return _in_class(low) if low == high else f"{_in_class(low)}-{_in_class(high)}"

        source = written(first, last)
        if not self.fold:
            return source
        for letters in (string.ascii_lowercase, string.ascii_uppercase):
            low, high = max(first, letters[0]), min(last, letters[-1])
            if low <= high:
                source += written(low.swapcase(), high.swapcase())
        return source


def _in_class(char: str) -> str:
    return char if char.isalnum() or ord(char) > 127 or char in " _" else _escaped_always(char)


def _escaped_always(char: str) -> str:
    return _escaped(char) if char in "\n\t\r\f" else "\\" + char


def portable(text: str) -> Regex:
    """Parse a pattern into its portable form; raises RegexError."""
    return _Parser(text).parse()


def version_patterns(version: str) -> tuple[str, str]:
    """Two patterns over dotted numbers: those at least `version`, and those below it.

    Numbers are compared one by one; a missing one is 0; what follows the numbers ("-R1", ".mysql_aurora") is
    left out of account, and where it begins before the comparison is decided neither pattern matches.
    """
    parts = [int(part) for part in version.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    end = r"(?:[^0-9]|\z)"
    at_least: list[str] = []
    below: list[str] = []
    before = "^"
    for index, number in enumerate(parts):
        exact = f"0*{number}" if number else "0+"
        at_least.append(f"{before}{_more(number)}{end}")
        if number:
            below.append(f"{before}{_less(number)}{end}")
        if index < len(parts) - 1:
            below.append(rf"{before}{exact}\z")
            before += exact + r"\."
        else:
            at_least.append(f"{before}{exact}{end}")
    return "|".join(at_least), "|".join(below) or r"[^\n]\A"


def _more(number: int) -> str:
    digits = str(number)
    longer = rf"[1-9][0-9]{{{len(digits)},}}"
    options = [longer]
    for index, digit in enumerate(digits):
        if digit != "9":
            rest = len(digits) - index - 1
            options.append(f"{digits[:index]}[{int(digit) + 1}-9]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return f"0*(?:{'|'.join(options)})"


def _less(number: int) -> str:
    digits = str(number)
    options = ["0" if len(digits) == 1 else f"[0-9]{{1,{len(digits) - 1}}}"]
    for index, digit in enumerate(digits):
        low = "1" if index == 0 and len(digits) > 1 else "0"
        if digit > low:
            rest = len(digits) - index - 1
            options.append(f"{digits[:index]}[{low}-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return f"0*(?:{'|'.join(options)})"
