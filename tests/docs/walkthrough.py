"""Walkthroughs: a page followed to the letter, in a project made from its own blocks."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.docs.blocks import Block

__all__ = ["Walkthrough"]

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0


class Walkthrough:
    """
    Does what a page says: writes the files that blocks name, types the commands.

    Commands that serve (``runserver``, ``run_system``) go on in the background until ``stop()``.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.output: dict[str, str] = {}
        self.port = _free_port()
        self._servers: list[tuple[str, subprocess.Popen[str]]] = []
        self._environ = {
            **{name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SUPERUSER_USERNAME": "admin",
            "DJANGO_SUPERUSER_PASSWORD": "secret",
            "DJANGO_SUPERUSER_EMAIL": "admin@example.com",
        }

    def follow(self, blocks: Iterable[Block]) -> None:
        """Write the blocks' files and run their commands, in order."""
        for block in blocks:
            if block.file:
                self.write(block)
            elif block.language == "console":
                for command in block.commands:
                    self.run(command)

    def write(self, block: Block) -> None:
        """Write the file that a block names, or add to it."""
        path = self.directory / str(block.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if block.appends else "w", encoding="utf-8") as file:
            file.write(f"\n{block.text}" if block.appends else block.text)

    def run(self, command: str) -> None:
        """Run a command as typed, and keep what it prints."""
        words = shlex.split(command, comments=True)
        if words[0] == "cd":
            self.directory = self.directory / words[1]
        elif words[0] in (".", "source") or "venv" in words or "pip" in words:
            return  # The tests' own environment stands for the one that a reader makes.
        elif words[-1] == "runserver":
            self._serve(command, [*words, f"127.0.0.1:{self.port}", "--noreload"])
        elif words[-1] == "run_system":
            self._serve(command, words)
        else:
            if words[-1] == "createsuperuser":
                words.append("--noinput")
            self.output[command] = self._output_of(command, words)

    def stop(self) -> None:
        """Press Ctrl-C in each terminal; the commands must end in peace."""
        servers, self._servers = self._servers, []
        for _, process in servers:
            process.send_signal(signal.SIGINT)
        for command, process in servers:
            output, _ = process.communicate(timeout=DEADLINE)
            self.output[command] = output
            assert process.returncode == 0, f"{command} ended with {process.returncode}:\n{output}"

    def _serve(self, command: str, words: Sequence[str]) -> None:
        process = subprocess.Popen(
            words,
            cwd=self.directory,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._servers.append((command, process))

    def _output_of(self, command: str, words: Sequence[str]) -> str:
        done = subprocess.run(
            words,
            cwd=self.directory,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stderr}"
        return done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
