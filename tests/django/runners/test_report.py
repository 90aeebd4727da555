"""Reports: the table that a run ends with."""

from django_eventsourcing.runners.report import PipeReport, State, summary_table


def test_the_table_aligns_words_to_the_left_and_numbers_to_the_right():
    reports = [
        PipeReport(
            follower="Counters",
            upstream="DogSchool",
            position=12_300,
            head=12_300,
            processed=9_200,
            rate=310.4,
            state=State.CAUGHT_UP,
        ),
        PipeReport(
            follower="Tally",
            upstream="Counters",
            position=None,
            head=7,
            processed=0,
            rate=0.0,
            state=State.FAILED,
            reason="failed at Counters 1 (x:Y): ValueError: no",
        ),
    ]

    assert summary_table(reports) == [
        "follower  upstream   position    head  processed   rate  state",
        "Counters  DogSchool    12,300  12,300      9,200  310/s  caught up",
        "Tally     Counters          -       7          0      -  failed",
        "Tally: failed at Counters 1 (x:Y): ValueError: no",
    ]
