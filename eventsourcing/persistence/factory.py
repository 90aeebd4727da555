"""Infrastructure factories: the parts of an application's persistence, as the environment says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast, overload

from eventsourcing.asynchronous import to_async
from eventsourcing.environment import Environment, strtobool
from eventsourcing.persistence.compression import Cipher
from eventsourcing.persistence.errors import InfrastructureFactoryError
from eventsourcing.persistence.recorders import (
    AggregateRecorder,
    ApplicationRecorder,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.topics import TopicError, resolve_topic

if TYPE_CHECKING:
    from eventsourcing.persistence.event_store import EventStore
    from eventsourcing.persistence.inflating import CompressorProtocol
    from eventsourcing.persistence.mapper import Mapper
    from eventsourcing.persistence.transcoding import Transcoder

__all__ = ["InfrastructureFactory", "TTrackingRecorder"]

# Under these, environments written for early releases name the factory.
_EARLIER_KEYS = ("INFRASTRUCTURE_FACTORY", "FACTORY_TOPIC")

_T = TypeVar("_T")
TTrackingRecorder = TypeVar("TTrackingRecorder", bound=TrackingRecorder)


class InfrastructureFactory(ABC):
    """
    Builds the parts of one application's persistence.

    Use ``construct()`` to get the factory that the environment names. A persistence module
    defines exactly one subclass.
    """

    PERSISTENCE_MODULE: ClassVar[str] = "PERSISTENCE_MODULE"
    TRANSCODER_TOPIC: ClassVar[str] = "TRANSCODER_TOPIC"
    MAPPER_TOPIC: ClassVar[str] = "MAPPER_TOPIC"
    COMPRESSOR_TOPIC: ClassVar[str] = "COMPRESSOR_TOPIC"
    CIPHER_TOPIC: ClassVar[str] = "CIPHER_TOPIC"
    CIPHER_KEY: ClassVar[str] = "CIPHER_KEY"
    APPLICATION_RECORDER_TOPIC: ClassVar[str] = "APPLICATION_RECORDER_TOPIC"
    TRACKING_RECORDER_TOPIC: ClassVar[str] = "TRACKING_RECORDER_TOPIC"
    PROCESS_RECORDER_TOPIC: ClassVar[str] = "PROCESS_RECORDER_TOPIC"
    IS_SNAPSHOTTING_ENABLED: ClassVar[str] = "IS_SNAPSHOTTING_ENABLED"

    tracking_recorder_class: type[TrackingRecorder]
    """The class of recorders of positions, unless another is asked for."""

    default_cipher: ClassVar[str] = "eventsourcing.cipher:AESCipher"
    default_persistence_module: ClassVar[str] = "eventsourcing.popo"

    @classmethod
    def construct(cls, env: Environment | None = None) -> InfrastructureFactory:
        """
        Return the factory of the persistence module that ``PERSISTENCE_MODULE`` names.

        The value is the dotted path of a module, or the topic of a factory class; by default
        events are kept in memory. Raise ``InfrastructureFactoryError`` if it cannot be used.
        """
        env = Environment() if env is None else env
        for key in (cls.PERSISTENCE_MODULE, *_EARLIER_KEYS):
            if topic := env.get(key):
                return _factory_class(key, topic)(env)
        return _factory_class(cls.PERSISTENCE_MODULE, cls.default_persistence_module)(env)

    def __init__(self, env: Environment) -> None:
        self.env = env

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def transcoder(self) -> Transcoder:
        """Return the transcoder, which writes JSON unless ``TRANSCODER_TOPIC`` says otherwise."""
        from eventsourcing.persistence.transcoding import JSONTranscoder, Transcoder

        return self.resolved(self.TRANSCODER_TOPIC, JSONTranscoder, Transcoder)()

    def mapper(
        self, transcoder: Transcoder | None = None, mapper_class: type[Mapper] | None = None
    ) -> Mapper:
        """Return the mapper, with compressor, cipher and limits as the environment says."""
        from eventsourcing.persistence.limits import Limits
        from eventsourcing.persistence.mapper import Mapper

        mapper_class = mapper_class or self.resolved(self.MAPPER_TOPIC, Mapper)
        mapper = mapper_class(
            transcoder=self.transcoder() if transcoder is None else transcoder,
            compressor=self.compressor(),
            cipher=self.cipher(),
        )
        mapper.application_name = self.env.name
        mapper.limits = Limits.of(self.env)
        return mapper

    def compressor(self) -> CompressorProtocol | None:
        """Return the class's instance, or the module, that ``COMPRESSOR_TOPIC`` names."""
        topic = self.env.get(self.COMPRESSOR_TOPIC)
        if not topic:
            return None
        found = _resolve(self.COMPRESSOR_TOPIC, topic)
        compressor = found() if isinstance(found, type) else found
        if not (hasattr(compressor, "compress") and hasattr(compressor, "decompress")):
            raise InfrastructureFactoryError(
                f"{self.COMPRESSOR_TOPIC} is {topic!r}, which has no compress() and decompress(). "
                f"Name a Compressor class or a module such as 'zlib'."
            )
        return cast("CompressorProtocol", compressor)

    def cipher(self) -> Cipher | None:
        """Return the cipher that ``CIPHER_TOPIC`` names; AES where there is a key alone."""
        topic = self.env.get(self.CIPHER_TOPIC)
        if not topic and not self.env.get(self.CIPHER_KEY):
            return None
        found = _resolve(self.CIPHER_TOPIC, topic or self.default_cipher)
        if not (isinstance(found, type) and issubclass(found, Cipher)):
            raise InfrastructureFactoryError(
                f"{self.CIPHER_TOPIC} is {topic!r}, which is not a subclass of Cipher."
            )
        return found(self.env)

    def event_store(
        self, *, mapper: Mapper | None = None, recorder: AggregateRecorder | None = None
    ) -> EventStore:
        """Return an event store of the mapper and the recorder."""
        from eventsourcing.persistence.event_store import EventStore

        return EventStore(
            mapper=self.mapper() if mapper is None else mapper,
            recorder=self.application_recorder() if recorder is None else recorder,
        )

    def is_snapshotting_enabled(self) -> bool:
        """Tell whether ``IS_SNAPSHOTTING_ENABLED`` is switched on."""
        return strtobool(self.env.get(self.IS_SNAPSHOTTING_ENABLED) or "no")

    @abstractmethod
    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Return a recorder of aggregates' ``"events"``, or of their ``"snapshots"``."""

    @abstractmethod
    def application_recorder(self) -> ApplicationRecorder:
        """Return a recorder of an application's events."""

    @overload
    def tracking_recorder(self, tracking_recorder_class: None = None) -> TrackingRecorder: ...

    @overload
    def tracking_recorder(
        self, tracking_recorder_class: type[TTrackingRecorder]
    ) -> TTrackingRecorder: ...

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> Any:
        """
        Return a recorder of positions, which may be a view as well.

        It is of the class given, or of the one that ``TRACKING_RECORDER_TOPIC`` names.
        """
        return self.construct_tracking_recorder(
            self.resolved(
                self.TRACKING_RECORDER_TOPIC,
                tracking_recorder_class or self.tracking_recorder_class,
            )
        )

    @abstractmethod
    def construct_tracking_recorder(
        self, tracking_recorder_class: type[TTrackingRecorder]
    ) -> TTrackingRecorder:
        """Return a new recorder of the class."""

    @abstractmethod
    def process_recorder(self) -> ProcessRecorder:
        """Return a recorder of a follower's events and positions."""

    def to_async(self, func: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return the async form of a function that uses what the factory builds."""
        return to_async(func)

    def release(self) -> None:
        """Give back what the calling thread holds, for example its database connection."""

    def close(self) -> None:
        """Give back everything that the factory and its recorders hold."""

    def resolved(self, key: str, default: type[_T], base: type[Any] | None = None) -> type[_T]:
        """
        Return the class that the environment names under the key, or the default.

        Raise ``InfrastructureFactoryError`` unless it is a subclass of ``base``, by default of
        the default.
        """
        base = default if base is None else base
        topic = self.env.get(key)
        if not topic:
            return default
        found = _resolve(key, topic)
        if not (isinstance(found, type) and issubclass(found, base)):
            raise InfrastructureFactoryError(
                f"{key} is {topic!r}, which is not a subclass of {base.__name__}."
            )
        return found


def _resolve(key: str, topic: str) -> Any:
    try:
        return resolve_topic(topic)
    except TopicError as error:
        raise InfrastructureFactoryError(
            f"{key} is {topic!r}, which cannot be resolved: {error}"
        ) from error


def _factory_class(key: str, topic: str) -> type[InfrastructureFactory]:
    found = _resolve(key, topic)
    if isinstance(found, ModuleType):
        # A class may have a second name.
        classes = list(
            dict.fromkeys(
                value
                for value in vars(found).values()
                if _is_factory(value) and value.__module__ == found.__name__
            )
        )
        if len(classes) != 1:
            names = ", ".join(sorted(c.__name__ for c in classes)) or "none"
            raise InfrastructureFactoryError(
                f"{key} is {topic!r}, a module that must define exactly one infrastructure "
                f"factory class; found: {names}."
            )
        return cast(type[InfrastructureFactory], classes[0])
    if _is_factory(found):
        return cast(type[InfrastructureFactory], found)
    raise InfrastructureFactoryError(
        f"{key} is {topic!r}, which is neither a persistence module nor an infrastructure "
        f"factory class."
    )


def _is_factory(value: Any) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, InfrastructureFactory)
        and not getattr(value, "__abstractmethods__", None)
    )
