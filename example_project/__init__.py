"""The example project: a dog school and a permit office, each an event-sourced system."""
