"""The contract of infrastructure factories; give a ``factory`` fixture to run it."""

from eventsourcing.conformance.base import stored_event
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    Mapper,
    ProcessRecorder,
    Tracking,
)

__all__ = ["InfrastructureFactoryContract"]


class InfrastructureFactoryContract:
    """
    What a factory of recorders does.

    Give a fixture ``factory``: a factory for an application without records.
    """

    def test_it_builds_recorders_of_each_kind(self, factory: InfrastructureFactory) -> None:
        assert isinstance(factory.aggregate_recorder(), AggregateRecorder)
        assert isinstance(factory.aggregate_recorder(purpose="snapshots"), AggregateRecorder)
        assert isinstance(factory.application_recorder(), ApplicationRecorder)
        assert isinstance(factory.process_recorder(), ProcessRecorder)

    def test_snapshots_are_kept_apart_from_events(self, factory: InfrastructureFactory) -> None:
        events, snapshots = factory.application_recorder(), factory.aggregate_recorder("snapshots")
        event = stored_event()
        snapshot = stored_event(event.originator_id, topic="school:Snapshot")

        events.insert_events([event])
        snapshots.insert_events([snapshot])

        assert list(events.select_events(event.originator_id)) == [event]
        assert list(snapshots.select_events(event.originator_id)) == [snapshot]

    def test_it_builds_an_event_store_of_the_parts(self, factory: InfrastructureFactory) -> None:
        recorder, mapper = factory.application_recorder(), factory.mapper()

        store = factory.event_store(mapper=mapper, recorder=recorder)

        assert isinstance(mapper, Mapper)
        assert store.recorder is recorder

    def test_a_thread_can_go_on_after_it_has_given_back(
        self, factory: InfrastructureFactory
    ) -> None:
        recorder = factory.process_recorder()
        recorder.insert_tracking(Tracking("DogSchool", 21))

        factory.release()

        assert recorder.max_tracking_id("DogSchool") == 21

    def test_closing_twice_is_allowed(self, factory: InfrastructureFactory) -> None:
        with factory:
            factory.application_recorder()

        factory.close()
