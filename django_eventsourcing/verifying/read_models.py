"""Read models: the rows of a projection beside those that the same events make."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from django.db.models import ForeignKey, Model

from django_eventsourcing.models import ProjectionRecord
from django_eventsourcing.problems import one_line
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.projections.tables import ShadowTables, ShadowTablesError
from django_eventsourcing.rebuilding.records import ProjectionRows, command_for
from django_eventsourcing.recorders import DjangoTrackingRecorder
from django_eventsourcing.recorders.errors import SynchronousFollowerError, database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.verifying.asking import go_on
from django_eventsourcing.verifying.claims import SCRATCH, claimed
from django_eventsourcing.verifying.columns import columns_of
from django_eventsourcing.verifying.comparing import ModelReport, compared
from django_eventsourcing.verifying.consistent import can_write_within, one_look
from django_eventsourcing.verifying.errors import (
    VerifyError,
    VerifyHeldError,
    VerifyRefusedError,
    VerifyStoppedError,
    VerifySynchronousError,
)
from django_eventsourcing.verifying.replaying import Replay

__all__ = ["ProjectionReport", "ProjectionVerification", "projections_of"]

# How often the replay runs after a follower that goes on, before rows are looked at.
_MOST_LAPS = 5
# How often a look is tried where nothing can be written during it.
_MOST_LOOKS = 50


@dataclass(kw_only=True)
class ProjectionReport:
    """How the rows of one projection differ from those that the events make."""

    follower: str
    events: int = 0
    """How many have been replayed."""
    left_out: int = 0
    """How many have not been, as the follower has set them aside."""
    positions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """As of which the rows were compared, by upstream and segment."""
    models: list[ModelReport] = field(default_factory=list)
    fault: str = ""
    """Why the rows could not be compared."""
    reason: str = ""
    """Why they were not to be compared."""

    @property
    def findings(self) -> int:
        """How many rows differ; one if they could not be compared."""
        return bool(self.fault) + sum(each.findings for each in self.models)

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        if self.fault:
            yield f"{self.follower}: not verified: {self.fault}"
            return
        if self.reason:
            yield f"{self.follower}: left out: {self.reason}"
            return
        at = ", ".join(
            f"{upstream} {_range(positions.values())}"
            for upstream, positions in self.positions.items()
        )
        yield f"{self.follower}: {self.events:,} events replayed, compared as of {at}"
        if self.left_out:
            yield f"  left out: {self.left_out:,} that are parked, skipped or discarded"
        for model in self.models:
            yield from model.lines()


class ProjectionVerification:
    """
    Replays the events of a projection into scratch tables, and compares these with those in use.

    The projection goes on meanwhile. What is compared is read in one look at the database, as of
    the positions that are seen in the same look.
    """

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: str,
        *,
        ignored: Collection[str] = (),
        write: Callable[[str], object] = lambda _: None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._system = system
        self._follower = follower
        self._ignored = ignored
        self._write = write
        self._is_stopping = is_stopping
        self._alias = system.database_of(follower)

    def run(self) -> ProjectionReport:
        """
        Compare the rows; return what was found, or why they could not be compared.

        Raise ``VerifyHeldError`` if another process is at it, and ``VerifyStoppedError``.
        """
        report = ProjectionReport(follower=self._follower)
        try:
            require_verifiable(self._system, self._follower)
            with claimed(self._system, self._follower), database_errors(self._alias):
                tables = ShadowTables(self._models, self._alias, purpose=SCRATCH)
                with self._made(tables):
                    self._verify(tables, report)
        except (VerifyHeldError, VerifyStoppedError):
            raise
        except VerifySynchronousError as error:
            report.reason = one_line(error)
        except (VerifyError, ShadowTablesError) as error:
            report.fault = one_line(error)
            report.models.clear()
        return report

    @contextmanager
    def _made(self, tables: ShadowTables) -> Iterator[None]:
        """Have the tables within; those that a process has left that was killed are dropped."""
        with _without_outside_references(tables.models):
            tables.create(anew=True)
        try:
            yield
        finally:
            tables.drop()

    def _verify(self, tables: ShadowTables, report: ProjectionReport) -> None:
        replay = Replay(
            self._system,
            self._follower,
            tables,
            write=self._write,
            is_stopping=self._is_stopping,
            batch_size=self._system.config.options.batch_size,
        )
        for _ in range(_MOST_LAPS):
            positions = replay.positions()
            if replay.is_at(positions):
                break
            self._require_current()
            replay.advance(positions)
        for _ in range(_MOST_LOOKS):
            if self._look(tables, replay, report):
                replay.finish()
                return
            replay.advance(replay.positions())
        raise VerifyError(
            f"{self._follower} goes on faster than its rows can be looked at.  HINT: Pause it for "
            f"a while: manage.py es_pause {self._follower} --reason=es_verify"
        )

    def _look(self, tables: ShadowTables, replay: Replay, report: ProjectionReport) -> bool:
        """Compare as of one moment; return whether both sides were at the same positions."""
        with one_look(self._alias, list(tables.names)):
            positions = replay.positions()
            self._require_current()
            if not replay.is_at(positions):
                if not can_write_within(self._alias):
                    return False
                replay.advance(positions)
            if replay.left_out - replay.set_aside().keys():
                raise VerifyError(
                    f"What {self._follower} had set aside has been processed meanwhile.  HINT: Run "
                    "this again."
                )
            report.events, report.left_out = replay.events, len(replay.left_out)
            report.positions = positions
            report.models += [self._compared(model, tables) for model in tables.models]
        return True

    def _compared(self, model: type[Model], tables: ShadowTables) -> ModelReport:
        columns = columns_of(model, tables.models, self._ignored)
        return compared(
            model, self._alias, columns, tables.in_use, lambda: go_on(self._is_stopping)
        )

    def _require_current(self) -> None:
        """Raise ``VerifyError`` if the rows in use are not yet, or no more, those of this code."""
        record = ProjectionRows(self._alias, self._follower).read()
        if record is None:
            return
        if record.step == ProjectionRecord.Step.SWAPPING:
            raise VerifyError(
                f"its tables are being swapped.  HINT: Complete that: "
                f"{command_for(self._follower, record.kind)}"
            )
        version = getattr(self._system.class_of(self._follower), "version", 1)
        if record.version is not None and record.version != version:
            # A rebuild by older code would put older rows in the place of those in use.
            hint = (
                f"Rebuild it first: {command_for(self._follower)}"
                if record.version < version
                else "Run this again with the code that is deployed now."
            )
            raise VerifyError(
                f"its rows are of version {record.version}, and it has version {version} in this "
                f"code.  HINT: {hint}"
            )

    @property
    def _models(self) -> Collection[type[Model]]:
        return _models_of(self._system, self._follower)


def projections_of(system: ConfiguredSystem) -> list[str]:
    """Return the names of the system's model projections that are kept in a database."""
    return [
        name
        for name in system.system.followers
        if issubclass(system.class_of(name), ModelProjection) and system.is_persisted(name)
    ]


def require_verifiable(system: ConfiguredSystem, follower: str) -> None:
    """Raise ``VerifyRefusedError`` if the follower's rows cannot be made again by a replay."""
    if not issubclass(system.class_of(follower), ModelProjection):
        raise VerifyRefusedError(
            f"{follower} is no model projection: what its policy does besides writing models would "
            "be done again.  HINT: Derive it from ModelProjection to have its rows verified."
        )
    if not _models_of(system, follower):
        raise VerifyRefusedError(
            f"{follower} does not say which models are its.  HINT: Name those that it writes, and "
            "nobody else, in the class attribute 'models'."
        )
    for upstream in system.upstreams_of(follower):
        if not system.is_persisted(upstream):
            raise VerifyRefusedError(
                f"{follower} follows {upstream}, which is kept in the memory of each process: its "
                "events cannot be replayed.  HINT: Keep it in a database."
            )
    recorder = cast(DjangoTrackingRecorder, system.get(follower).recorder)
    for upstream in system.upstreams_of(follower):
        if recorder.is_synchronous(upstream):
            raise VerifySynchronousError(str(SynchronousFollowerError.by(follower, upstream)))


def _models_of(system: ConfiguredSystem, follower: str) -> Collection[type[Model]]:
    return tuple(getattr(system.class_of(follower), "models", ()))


@contextmanager
def _without_outside_references(models: Collection[type[Model]]) -> Iterator[None]:
    """
    Let tables be made that refer to none in use: rows of those may be deleted meanwhile.

    Events may be of times when there were rows which there are no longer.
    """
    fields: list[Any] = [
        each
        for model in models
        for each in model._meta.local_concrete_fields
        if isinstance(each, ForeignKey)
        and getattr(each, "db_constraint", False)
        and each.remote_field.model._meta.concrete_model not in models
    ]
    for each in fields:
        each.db_constraint = False
    try:
        yield
    finally:
        for each in fields:
            each.db_constraint = True


def _range(positions: Collection[int]) -> str:
    lowest, highest = min(positions, default=0), max(positions, default=0)
    return f"{lowest}" if lowest == highest else f"{lowest} to {highest}"
