"""Infrastructure factories: found by the environment, and clear about what they cannot use."""

import sys
import types
import zlib

import pytest

from eventsourcing.environment import Environment
from eventsourcing.persistence import (
    InfrastructureFactory,
    InfrastructureFactoryError,
    JSONTranscoder,
    Mapper,
)
from eventsourcing.popo import POPOApplicationRecorder, POPOFactory, POPOProcessRecorder


class OtherTranscoder(JSONTranscoder):
    """A transcoder that a project might bring."""


class OtherMapper(Mapper):
    """A mapper that a project might bring."""


def construct(**env):
    return InfrastructureFactory.construct(Environment("School", env))


def test_keeps_events_in_memory_by_default():
    assert isinstance(construct(), POPOFactory)


def test_is_named_by_a_module():
    assert isinstance(construct(PERSISTENCE_MODULE="eventsourcing.popo"), POPOFactory)


def test_is_named_by_the_topic_of_a_class():
    topic = "eventsourcing.popo:POPOFactory"

    assert isinstance(construct(PERSISTENCE_MODULE=topic), POPOFactory)


def test_prefers_the_key_with_the_applications_name():
    env = {"PERSISTENCE_MODULE": "no.such", "SCHOOL_PERSISTENCE_MODULE": "eventsourcing.popo"}

    assert isinstance(construct(**env), POPOFactory)


def test_refuses_a_module_that_does_not_import():
    with pytest.raises(InfrastructureFactoryError) as caught:
        construct(PERSISTENCE_MODULE="eventsourcing.pogo")

    assert str(caught.value).startswith(
        "PERSISTENCE_MODULE is 'eventsourcing.pogo', which cannot be resolved: "
    )


def test_refuses_a_module_without_a_factory():
    with pytest.raises(InfrastructureFactoryError) as caught:
        construct(PERSISTENCE_MODULE="eventsourcing.domain")

    assert str(caught.value) == (
        "PERSISTENCE_MODULE is 'eventsourcing.domain', a module that must define exactly one "
        "infrastructure factory class; found: none."
    )


def test_refuses_a_module_with_two_factories(monkeypatch):
    module = types.ModuleType("two_factories")
    for name in ("First", "Second"):
        factory = type(name, (POPOFactory,), {"__module__": module.__name__})
        setattr(module, name, factory)
    monkeypatch.setitem(sys.modules, module.__name__, module)

    with pytest.raises(InfrastructureFactoryError, match="found: First, Second."):
        construct(PERSISTENCE_MODULE="two_factories")


def test_refuses_a_topic_of_something_else():
    with pytest.raises(InfrastructureFactoryError) as caught:
        construct(PERSISTENCE_MODULE="eventsourcing.persistence:Mapper")

    assert str(caught.value) == (
        "PERSISTENCE_MODULE is 'eventsourcing.persistence:Mapper', which is neither a persistence "
        "module nor an infrastructure factory class."
    )


def test_compresses_with_a_module():
    assert construct(COMPRESSOR_TOPIC="zlib").mapper().compressor is zlib


def test_refuses_a_compressor_that_cannot_compress():
    with pytest.raises(InfrastructureFactoryError) as caught:
        construct(COMPRESSOR_TOPIC="json").mapper()

    assert str(caught.value) == (
        "COMPRESSOR_TOPIC is 'json', which has no compress() and decompress(). "
        "Name a Compressor class or a module such as 'zlib'."
    )


def test_makes_the_transcoder_and_the_mapper_that_the_environment_names():
    factory = construct(
        TRANSCODER_TOPIC=f"{__name__}:OtherTranscoder", MAPPER_TOPIC=f"{__name__}:OtherMapper"
    )

    mapper = factory.mapper()

    assert type(mapper) is OtherMapper
    assert type(mapper.transcoder) is OtherTranscoder


def test_refuses_a_topic_of_the_wrong_kind():
    with pytest.raises(InfrastructureFactoryError) as caught:
        construct(TRANSCODER_TOPIC="eventsourcing.persistence:Mapper").transcoder()

    assert str(caught.value) == (
        "TRANSCODER_TOPIC is 'eventsourcing.persistence:Mapper', which is not a subclass of "
        "Transcoder."
    )


def test_switches_snapshots_on():
    assert not construct().is_snapshotting_enabled()
    assert construct(IS_SNAPSHOTTING_ENABLED="y").is_snapshotting_enabled()


def test_refuses_a_cipher_of_the_wrong_kind():
    with pytest.raises(InfrastructureFactoryError) as caught:
        construct(CIPHER_TOPIC="eventsourcing.persistence:Mapper").mapper()

    assert str(caught.value) == (
        "CIPHER_TOPIC is 'eventsourcing.persistence:Mapper', which is not a subclass of Cipher."
    )


def test_makes_the_recorder_that_the_environment_names():
    factory = construct(
        APPLICATION_RECORDER_TOPIC=f"{__name__}:OtherRecorder",
        PROCESS_RECORDER_TOPIC="eventsourcing.popo:POPOProcessRecorder",
    )

    assert type(factory.application_recorder()) is OtherRecorder
    assert type(factory.process_recorder()) is POPOProcessRecorder


def test_makes_the_recorder_that_a_subclass_names():
    class OtherFactory(POPOFactory):
        application_recorder_class = OtherRecorder

    assert type(OtherFactory(Environment()).application_recorder()) is OtherRecorder


class OtherRecorder(POPOApplicationRecorder):
    pass
