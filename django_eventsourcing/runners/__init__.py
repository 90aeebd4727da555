"""Runners: what keeps the followers of a configured system going."""

from django_eventsourcing.runners.base import SystemRunner
from django_eventsourcing.runners.report import PipeReport, State
from django_eventsourcing.runners.threaded import ThreadedRunner

__all__ = ["PipeReport", "State", "SystemRunner", "ThreadedRunner"]
