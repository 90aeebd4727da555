"""Whatever the style, any tricks are read back as they were taught, at each version."""

from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

STYLES = {
    "explicit": None,
    "declarative": None,
    "dataclass_style": None,
    "decorated_class": None,
    "text_ids": None,
    "immutable": None,
    "functional": None,
    "orjson_transcoder": "orjson",
    "pydantic_mutable": "pydantic",
    "pydantic_immutable": "pydantic",
    "msgspec_mutable": "msgspec",
    "msgspec_immutable": "msgspec",
}
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=15, deadline=None)
@given(name=words, tricks=st.lists(words, max_size=5))
def test_all_tricks_are_kept(style, name, tricks):
    if STYLES[style]:
        pytest.importorskip(STYLES[style], reason=f"pip install {STYLES[style]}")
    school = import_module(f"tests.core.styles.{style}").DogSchool()
    dog_id = school.register_dog(name)
    for trick in tricks:
        school.add_trick(dog_id, trick)

    for version in range(1, len(tricks) + 2):
        assert school.get_dog(dog_id, version) == (name, tuple(tricks[: version - 1]), version)
