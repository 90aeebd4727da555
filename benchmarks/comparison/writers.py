"""Writers: several processes record at the same time, each as fast as it can."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.comparison.processes import Contender, started
from benchmarks.comparison.report import Verdict, name_of

__all__ = ["CASES", "Case", "Outcome", "compared", "report"]

Commands = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What each of the writers does, and how many there are."""

    name: str
    title: str
    writers: int = 8
    arguments: Mapping[str, float] = field(default_factory=dict)
    contenders: Sequence[str] = ("ours", "django_peer", "native_peer", "orm", "raw", "locked")
    targets: Sequence[tuple[str, float]] = ()
    """By whose rate ours is to be so many times as high, at least."""
    longest: float | None = None
    """Milliseconds that 99 of 100 transactions are to take at most."""


HELD = ("ours", "django_peer", "orm", "raw", "locked")
CASES = [
    *(
        Case(name=f"writers_{n}", title=f"{many} one event each", writers=n)
        for n, many in ((1, "1 process saves"), (2, "2 processes save"), (4, "4 processes save"))
    ),
    Case(
        name="writers_8",
        title="8 processes save one event each",
        targets=[("django_peer", 3.5)],
    ),
    Case(
        name="held",
        title="8 processes, held open 5 ms after the save",
        arguments={"hold": 0.005},
        contenders=HELD,
        targets=[("django_peer", 7.0), ("orm", 0.8)],
        longest=20.0,
    ),
    Case(
        name="rolled_back",
        title="8 processes, held open 0 to 20 ms, a tenth rolled back",
        arguments={"longest": 0.02, "rolled_back": 0.1},
        contenders=HELD,
        targets=[("raw", 0.85)],
    ),
]


@dataclass(frozen=True)
class Outcome:
    """What the writers of one contender have committed."""

    rate: float
    p99: float
    """Milliseconds."""


def compared(
    case: Case, commands: Commands, rounds: int, seconds: float, tell: Callable[[str], object]
) -> dict[str, Outcome]:
    """Let the contenders take turns; the writers of each are there for all rounds."""
    found: dict[str, list[tuple[float, list[float]]]] = {}
    with ExitStack() as stack:
        crews = {
            name: list(stack.enter_context(started(crew(commands[name], case.writers))).values())
            for name in case.contenders
            if name in commands
        }
        for number in range(rounds):
            for name, writers in crews.items():
                answers = list(written(writers, seconds, case.arguments))
                samples = [sample for answer in answers for sample in answer["samples"]]
                rate = sum(answer["count"] for answer in answers) / seconds
                found.setdefault(name, []).append((rate, samples))
            tell(f"{case.title}: round {number + 1} of {rounds}")
    return {name: _outcome(results) for name, results in found.items()}


def report(case: Case, outcomes: Mapping[str, Outcome]) -> tuple[Any, list[Verdict]]:
    """Return the figures in the form in which they are kept, and what has come of the targets."""
    ours = outcomes["ours"]
    figures = ", ".join(
        f"{name_of(name)} {each.rate:,.0f}/s p99 {each.p99:.1f} ms"
        for name, each in outcomes.items()
    )
    verdicts = [Verdict(f"{case.title}: {figures}", is_reached=True)]
    for name, least in case.targets:
        if name in outcomes:
            ratio = ours.rate / outcomes[name].rate
            text = f"{case.title}: {ratio:.2f} times the {name_of(name)} (target {least:g})"
            verdicts.append(Verdict(text, ratio >= least))
    if case.longest is not None:
        text = f"{case.title}: p99 {ours.p99:.1f} ms (target {case.longest:g})"
        verdicts.append(Verdict(text, ours.p99 <= case.longest))
    record = {name: {"rate": each.rate, "p99": each.p99} for name, each in outcomes.items()}
    return record, verdicts


def crew(command: Sequence[str], writers: int) -> dict[str, Sequence[str]]:
    """Return how so many processes of a contender are started, one after the other."""
    return {str(number): command for number in range(writers)}


def written(
    writers: Sequence[Contender], seconds: float, arguments: Mapping[str, float]
) -> Iterator[Any]:
    """Let all of them write for so long, at the same time."""
    for number, writer in enumerate(writers):
        writer.tell("write", seconds=seconds, seed=number, **arguments)
    for writer in writers:
        yield writer.answer()


def _outcome(results: Sequence[tuple[float, Sequence[float]]]) -> Outcome:
    rates = sorted(rate for rate, _ in results)
    samples = sorted(sample for _, each in results for sample in each)
    return Outcome(rates[len(rates) // 2], samples[len(samples) * 99 // 100] * 1000)
