"""The architecture holds: imports run one way, the core stands alone, facades show the shape."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("eventsourcing", "django_eventsourcing", "example_project")

# From the ground up: a module imports from its own layer and from those above it in this list.
LAYERS = (
    {"eventsourcing.exceptions", "eventsourcing.deprecation", "eventsourcing.late_names"},
    {"eventsourcing.topics", "eventsourcing.environment", "eventsourcing.dispatch"},
    {"eventsourcing.asynchronous", "eventsourcing.retrying", "eventsourcing.utils"},
    {"eventsourcing.domain"},
    {"eventsourcing.persistence"},
    {"eventsourcing.popo"},
    {"eventsourcing.compressor", "eventsourcing.cipher", "eventsourcing.cryptography"},
    {"eventsourcing.cryptography"},
    {"eventsourcing.application"},
    {"eventsourcing.projection", "eventsourcing.interface"},
    {"eventsourcing.interface", "eventsourcing.projection"},
    {"eventsourcing.system"},
    {"django_eventsourcing"},
    {"example_project"},
    {"eventsourcing.conformance"},
)
# Tests for others to run, which need pytest: nothing imports it.
CONFORMANCE = "eventsourcing.conformance"
# What the oldest Python here lacks may be imported where it is there.
# A cipher needs its package when it is made.
OPTIONAL = {("eventsourcing.cipher", "cryptography")}
STANDARD_LIBRARY = sys.stdlib_module_names | {"annotationlib"}

# What an extra brings, imported by the one module that offers it, when it is used.
EXTRAS = {
    ("eventsourcing.cipher", "cryptography"),
    ("eventsourcing.persistence.transcoding", "msgspec"),
}

FACADES = (
    "eventsourcing.domain",
    "eventsourcing.persistence",
    "eventsourcing.application",
    "eventsourcing.projection",
    "eventsourcing.system",
)

# Those that import some of what they offer only when it is asked for.
LATE_FACADES = tuple(name for name in FACADES if name != "eventsourcing.domain")
# What takes long to import, and is not needed until an application is made; see docs/decisions.
LEFT_OUT = {
    "ast",
    "asyncio",
    "dataclasses",
    "datetime",
    "decimal",
    "eventsourcing.domain",
    "eventsourcing.persistence.mapper",
    "eventsourcing.persistence.records",
    "eventsourcing.popo",
    "eventsourcing.projection.runner",
    "eventsourcing.system.runner",
    "inspect",
    "json",
    "logging",
    "platform",
    "traceback",
    "uuid",
}


@cache
def modules(*packages: str) -> dict[str, Path]:
    """Return the modules of the packages by name, without migrations."""
    found = {}
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


def core() -> dict[str, Path]:
    """Return the modules that run without anything installed, by name."""
    return {
        name: path
        for name, path in modules("eventsourcing").items()
        if not name.startswith(CONFORMANCE)
    }


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path, name: str, *, at_import: bool = False) -> Iterator[tuple[int, str]]:
    """Yield line and full name of all that a module imports, or of what its own import needs."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _nodes(tree(path)) if at_import else ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in modules(*PACKAGES) else base


def _nodes(parent: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when the module is imported: no function's body, nothing for type checkers."""
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _nodes(node)


def layer(name: str) -> int | None:
    """Return the number of a module's layer, counted from the ground."""
    for number, members in enumerate(LAYERS):
        if any(name == member or name.startswith(f"{member}.") for member in members):
            return number
    return None


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_each_module_has_a_layer():
    homeless = [name for name in modules(*PACKAGES) if layer(name) is None]

    assert homeless == ["eventsourcing"], "Give the module its place in LAYERS."


def test_imports_run_one_way():
    upward = [
        f"{place(path, line)} imports {imported}"
        for name, path in modules(*PACKAGES).items()
        for line, imported in imports(path, name)
        if (layer(imported) or 0) > (layer(name) or 0)
    ]

    assert upward == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        name: {imported for _, imported in imports(path, name, at_import=True)}
        for name, path in modules(*PACKAGES).items()
    }

    assert list(circles(graph)) == []


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yield a path for each import that leads back to a module on the way to it."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> Iterator[list[str]]:
        if name in way:
            yield [*way[way.index(name) :], name]
        elif name not in done and name in graph:
            for imported in sorted(graph[name] - {name}):
                yield from visit(imported, [*way, name])
            done.add(name)

    for name in sorted(graph):
        yield from visit(name, [])


def test_the_core_imports_the_standard_library_alone():
    foreign = [
        f"{place(path, line)} imports {imported}"
        for name, path in core().items()
        for line, imported in imports(path, name)
        for top in [imported.partition(".")[0]]
        if top not in STANDARD_LIBRARY | {"eventsourcing"}
        and (name, top) not in EXTRAS
        and (name, imported.partition(".")[0]) not in OPTIONAL
    ]

    assert foreign == []


def test_the_core_works_where_nothing_is_installed():
    names = sorted(core())
    code = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
top = {{name.partition(".")[0] for name in sys.modules}}
print(sorted(top - sys.stdlib_module_names - {{"__main__"}}))
"""

    assert run(code, "-S") == "['eventsourcing']"


def test_the_core_leaves_django_alone_where_it_is_installed():
    names = sorted(core())
    code = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
print(sorted(name for name in sys.modules if name.partition(".")[0] == "django"))
"""

    assert run(code) == "[]"


def test_the_core_reads_no_process_environment_at_import():
    code = f"""
import importlib, os, sys

read = []

class Watched(type(os.environ)):
    def __getitem__(self, key):
        frame = sys._getframe(1)
        while frame.f_globals["__name__"] in ("os", "_collections_abc", "collections.abc"):
            frame = frame.f_back
        if frame.f_globals["__name__"].startswith("eventsourcing"):
            read.append((frame.f_globals["__name__"], key))
        return super().__getitem__(key)

    def __iter__(self):
        read.append("all")
        return super().__iter__()

os.environ.__class__ = Watched
for name in {sorted(core())!r}:
    importlib.import_module(name)
print(read)
"""

    assert run(code, "-S") == "[]"


def run(code: str, *options: str) -> str:
    """Return what an interpreter of its own prints for the code, run in the project's root."""
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_contracts_need_pytest_and_nothing_else():
    foreign = {
        imported.partition(".")[0]
        for name, path in modules("eventsourcing").items()
        if name.startswith(CONFORMANCE)
        for _, imported in imports(path, name)
    }

    assert foreign - STANDARD_LIBRARY == {"eventsourcing", "pytest"}


def test_nothing_unpickles():
    unsafe = {"pickle", "cPickle", "shelve", "marshal", "dill", "cloudpickle"}

    found = [
        f"{place(path, line)} imports {imported}"
        for name, path in modules(*PACKAGES).items()
        for line, imported in imports(path, name)
        if imported.partition(".")[0] in unsafe
    ]

    assert found == []


def test_no_code_marks_text_as_safe_html():
    marks = {"mark_safe", "SafeString", "SafeText", "safestring", "html_safe"}

    found = [
        f"{place(path, node.lineno)} uses {name}"
        for path in modules(*PACKAGES).values()
        for node in ast.walk(tree(path))
        for name in (
            getattr(node, "id", None),
            getattr(node, "attr", None),
            *(alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)),
        )
        if name in marks
    ]

    assert found == []


STATEMENT = re.compile(
    r"\s*(ALTER|CREATE|DELETE|DROP|EXPLAIN|INSERT|LOCK|NOTIFY|PRAGMA|RENAME|SELECT|SET|TRUNCATE|"
    r"UPDATE|WITH)\s"
)
PUT_TOGETHER = (
    "django_eventsourcing.correlations",
    "django_eventsourcing.event_table",
    "django_eventsourcing.ordering.",
    "django_eventsourcing.projections.tables.",
    "django_eventsourcing.rebuilding.clearing",
    "django_eventsourcing.recorders.inserts",
    "django_eventsourcing.session_variables",
    "django_eventsourcing.synchronous.switching",
    "django_eventsourcing.time_limits",
)
"""Where SQL is put together: of names of tables, which come from models, and of constants."""


def is_put_together(node: ast.AST) -> bool:
    """Tell whether the expression makes SQL of parts, or takes it as it is given."""
    if isinstance(node, ast.JoinedStr):
        return isinstance(first := node.values[0], ast.Constant) and is_statement(first)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod | ast.Add) and is_statement(node.left)
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        is_format = name == "format" and is_statement(getattr(node.func, "value", node))
        return is_format or name in {"RawSQL", "raw", "extra"}
    return False


def is_statement(node: ast.AST) -> bool:
    text = getattr(node, "value", None)
    return isinstance(text, str) and bool(STATEMENT.match(text))


def test_sql_is_put_together_of_names_of_tables_alone():
    found = [
        place(path, node.lineno)
        for name, path in modules(*PACKAGES).items()
        if not name.startswith(PUT_TOGETHER)
        for node in ast.walk(tree(path))
        if is_put_together(node)
    ]

    assert found == []


def test_no_template_turns_escaping_off():
    unsafe = re.compile(r"\|\s*(safe|safeseq)\b|autoescape\s+off|filter\s+safe")

    found = [
        place(path, number)
        for package in PACKAGES
        for path in (ROOT / package).rglob("templates/**/*")
        if path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if unsafe.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("name", FACADES)
def test_a_facade_is_docstring_imports_and_all(name):
    facade = tree(modules("eventsourcing")[name])

    body = [node for node in facade.body if not is_for_late_names(node)]

    assert ast.get_docstring(facade)
    assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in body[1:-1])
    assert ast.unparse(body[-1]).startswith("__all__ = [")


@pytest.mark.parametrize("name", LATE_FACADES)
def test_type_checkers_are_told_of_the_late_names_that_there_are(name):
    [block] = filter(is_for_late_names, tree(modules("eventsourcing")[name]).body)
    call = block.orelse[0].value
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    others = [ast.unparse(node) for node in block.body if node not in imports]

    late = ast.literal_eval(call.args[1])
    earlier = [
        f"{ast.literal_eval(key)} = {ast.unparse(successor)}"
        for keyword in call.keywords
        for key, successor in zip(keyword.value.keys, keyword.value.values, strict=True)
    ]

    assert {node.module: [alias.name for alias in node.names] for node in imports} == late
    assert others == earlier


def is_for_late_names(node: ast.stmt) -> bool:
    """Tell whether it has type checkers see imports, where Python calls ``late_names()``."""
    return (
        isinstance(node, ast.If)
        and ast.unparse(node.test) == "TYPE_CHECKING"
        and ast.unparse(node.orelse).startswith("__getattr__, __dir__ = late_names(__name__, ")
        and len(node.orelse) == 1
    )


@pytest.mark.parametrize("name", LATE_FACADES)
def test_a_facade_shows_and_gives_its_late_names(name):
    code = f"""
import sys
import {name} as facade

exported = set(facade.__all__)
late = exported - set(vars(facade))
assert late, "There are none."
assert exported <= set(dir(facade))
assert not late & set(vars(facade)), "To be shown is to be imported."
from {name} import *
assert exported <= set(globals())
print(all(globals()[each] is getattr(facade, each) for each in exported))
"""

    assert run(code) == "True"


def test_the_definition_of_a_system_imports_little():
    code = f"""
import sys
before = set(sys.modules)
import eventsourcing.system
print(sorted({LEFT_OUT!r} & set(sys.modules) - before))
"""

    assert run(code, "-S") == "[]"


@pytest.mark.parametrize("name", sorted(modules("eventsourcing", "django_eventsourcing")))
def test_all_is_sorted(name):
    def order(exported: str) -> tuple[bool, bool, str]:
        return not exported.isupper(), not exported[0].isupper(), exported

    for node in tree(modules(*PACKAGES)[name]).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            exported = ast.literal_eval(node.value)

            assert exported == sorted(exported, key=order)


@pytest.mark.parametrize("name", FACADES)
def test_what_a_facade_exports_has_a_docstring(name):
    facade = importlib.import_module(name)
    exported = [(each, getattr(facade, each)) for each in facade.__all__]

    bare = [each for each, value in exported if documentable(value) and not documented(value)]

    assert bare == []


def documentable(value: object) -> bool:
    return inspect.isclass(value) or inspect.isroutine(value)


def documented(value: object) -> bool:
    """Tell whether an object has a docstring of its own, not one that ``dataclass`` made."""
    text = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    return bool(text) and not text.startswith(f"{value.__name__}(")  # type: ignore[attr-defined]


def test_public_classes_have_a_docstring():
    bare = [
        f"{place(path, node.lineno)} class {node.name}"
        for path in modules(*PACKAGES).values()
        for node in tree(path).body
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and node.name != "Command"  # It has a help text instead.
        and not ast.get_docstring(node)
    ]

    assert bare == []


@pytest.mark.parametrize("package", [*PACKAGES, "tests", "scripts"])
def test_each_module_says_what_it_is_about(package):
    bare = [
        str(path.relative_to(ROOT))
        for path in modules(package).values()
        if tree(path).body and not re.match(r"[A-Z`\"].*[.:!]$", first_line(path))
    ]

    assert bare == []


def first_line(path: Path) -> str:
    return (ast.get_docstring(tree(path)) or "").partition("\n\n")[0].replace("\n", " ")
