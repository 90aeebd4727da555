"""Charts made of plain HTML."""

from example_project.charts import bars


def test_bars_are_as_long_as_their_counts():
    assert [(bar.label, bar.count, bar.percent) for bar in bars({"a": 5, "b": 10})] == [
        ("a", 5, 50),
        ("b", 10, 100),
    ]


def test_the_shortest_bar_can_be_seen():
    assert [bar.percent for bar in bars({"rare": 1, "frequent": 1000, "none": 0})] == [1, 100, 0]


def test_there_are_no_bars_without_counts():
    assert bars({}) == []
