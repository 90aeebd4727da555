"""A small reader of the text format of Prometheus, strict about what the format says."""

import re

SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?P<labels>.*)\})? (?P<value>\S+)$")
LABEL = re.compile(r'(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?P<value>(?:[^"\\\n]|\\["\\n])*)"(,|$)')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def read(text):
    """Return the samples as values by name and labels; each name is declared before, once."""
    assert text.endswith("\n")
    samples, types, last = {}, {}, ""
    for line in text[:-1].split("\n"):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} is declared twice"
            types[name] = kind
        elif not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            name = match["name"]
            assert types.get(name) == "gauge", f"{name} is not declared"
            assert name == last or not any(key[0] == name for key in samples), f"{name} is torn"
            last = name
            key = (name, frozenset(labels(match["labels"] or "").items()))
            assert key not in samples, f"{key} is there twice"
            samples[key] = float(match["value"])
    return samples


def labels(text):
    found, end = {}, 0
    for match in LABEL.finditer(text):
        assert match.start() == end, text
        end = match.end()
        value = re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], match["value"])
        found[match["name"]] = value
    assert end == len(text), text
    return found
