"""Blocks: the pieces of code in a page of documentation, in the page's order."""

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "markdown_blocks", "rst_blocks"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A piece of code, with the place that an error in it should point to."""

    page: Path
    line: int
    """Line of the page on which the code begins, counted from 1."""
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def padded(self) -> str:
        """The code behind as many empty lines as make a traceback show the page's own lines."""
        return "\n" * (self.line - 1) + self.text

    @property
    def file(self) -> str | None:
        """The path that the block's first line names, as in ``# school/views.py``."""
        match = re.match(r"(?:# |<!-- |\{# )([\w./-]+\.(?:py|html|toml|csv))\b", self.text)
        return match.group(1) if match else None

    @property
    def appends(self) -> bool:
        """Whether the block is to be added to the end of the file that it names."""
        return "(add" in self.text.partition("\n")[0]

    @property
    def commands(self) -> list[str]:
        """What a person types: the lines of a console block that begin with a dollar."""
        return [line[2:].strip() for line in self.text.splitlines() if line.startswith("$ ")]


def rst_blocks(page: Path) -> list[Block]:
    """Return every ``code-block`` and ``code`` of a page, each character as it stands there."""
    lines = page.read_text(encoding="utf-8").splitlines()
    blocks = []
    for number, line in enumerate(lines):
        directive = re.match(r"( *)\.\. code(?:-block)?:: *(\w*)\s*$", line)
        if directive:
            first, body = _indented(lines, number + 1, len(directive[1]))
            blocks.append(Block(page=page, line=first + 1, language=directive[2], text=body))
    return blocks


def markdown_blocks(page: Path) -> list[Block]:
    """Return every fenced block of a page."""
    blocks = []
    opened: tuple[str, int, str] | None = None
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        fence = re.match(r"\s*(`{3,}|~{3,})\s*(\w*)", line)
        if opened is None and fence:
            opened = (fence[1], number + 1, fence[2])
        elif opened is not None and line.strip() == opened[0]:
            _, start, language = opened
            text = "\n".join(lines[start:number]) + "\n"
            blocks.append(Block(page=page, line=start + 1, language=language, text=text))
            opened = None
    if opened is not None:
        raise ValueError(f"{page}: the block that begins in line {opened[1]} is never closed.")
    return blocks


def _indented(lines: list[str], start: int, outer: int) -> tuple[int, str]:
    """Return the first line's index and the text of what is indented deeper than ``outer``."""
    while start < len(lines) and (not lines[start].strip() or lines[start].strip().startswith(":")):
        start += 1
    indent = len(lines[start]) - len(lines[start].lstrip())
    if indent <= outer:
        raise ValueError(f"The directive above line {start + 1} has no content.")
    end = start
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" " * indent)):
        end += 1
    body = [line[indent:] for line in lines[start:end]]
    return start, "\n".join(body).rstrip("\n") + "\n"
