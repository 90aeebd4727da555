"""The blocks of a page are taken literally, and none is left out."""

from pathlib import Path

import pytest

from tests.docs.blocks import markdown_blocks, rst_blocks

RST = """\
Title
=====

.. code-block:: python

    a = 1

    def f():
        return a

Text.

.. code-block:: console

    $ ls

.. automodule:: a
    :members:
"""

MARKDOWN = """\
# Title

```python
# school/views.py (add at the end)
a = "``"
```

```console
$ ls
README.md
$ pwd
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page"


def test_rst_code_blocks_are_returned_literally(page):
    page.write_text(RST)

    first, second = rst_blocks(page)

    assert (first.language, first.line) == ("python", 6)
    assert first.text == "a = 1\n\ndef f():\n    return a\n"
    assert (second.language, second.text) == ("console", "$ ls\n")


def test_a_traceback_shows_the_lines_of_the_page(page):
    page.write_text(RST)

    block = rst_blocks(page)[0]

    assert block.padded.splitlines()[5] == "a = 1"


def test_fenced_blocks_are_returned_literally(page):
    page.write_text(MARKDOWN)

    first, second = markdown_blocks(page)

    assert (first.language, first.line) == ("python", 4)
    assert first.text == '# school/views.py (add at the end)\na = "``"\n'
    assert second.commands == ["ls", "pwd"]


def test_the_first_line_may_name_the_file(page):
    page.write_text(MARKDOWN)

    first, second = markdown_blocks(page)

    assert (first.file, first.appends) == ("school/views.py", True)
    assert (second.file, second.appends) == (None, False)


def test_a_fence_that_is_never_closed_is_an_error(page):
    page.write_text("text\n\n```python\na = 1\n")

    with pytest.raises(ValueError, match=r"the block that begins in line 3 is never closed"):
        markdown_blocks(page)


def test_a_directive_without_content_is_an_error(page):
    page.write_text(".. code-block:: python\n\nText.\n")

    with pytest.raises(ValueError, match="has no content"):
        rst_blocks(page)
