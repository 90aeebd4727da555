"""The import path under which names of topics and the environment are known in tutorials."""

from eventsourcing.environment import Environment, EnvType, strtobool
from eventsourcing.retrying import retry
from eventsourcing.topics import (
    TopicError,
    clear_topic_cache,
    construct_topic,
    get_topic,
    register_topic,
    resolve_topic,
)

__all__ = [
    "EnvType",
    "Environment",
    "TopicError",
    "clear_topic_cache",
    "construct_topic",
    "get_topic",
    "register_topic",
    "resolve_topic",
    "retry",
    "strtobool",
]
