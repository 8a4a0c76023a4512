"""Violated promises, by kind, with the trace of what led to each."""

from __future__ import annotations

import collections
import sys
import time

from chaos_watch import Violation

#: Lines of the trace that are shown with a violation: about its subjects, and the last of all.
SHOWN_ABOUT = 30
SHOWN_LAST = 12
#: Events of every step of a run, which are not shown: there are too many.
MINOR = (
    " turn_started", " turn_completed", " text_complete", " tool_call_requested", " tool_execution_started",
    " tool_execution_completed", " tool_result_received",
)
#: How much of a piece of evidence is shown.
SHOWN_EVIDENCE = 1500


class Findings:
    """Takes what is broken: raises it, or counts it and keeps the first example of each kind."""

    def __init__(self, keep_going: bool) -> None:
        self.keep_going = keep_going
        self.counts: collections.Counter[str] = collections.Counter()
        self.examples: dict[str, str] = {}
        self.trace: list[str] = []
        self._seen: set[tuple[str, str]] = set()
        self._context = ""
        self._begin = time.monotonic()
        self._episode_count = 0

    def begin_episode(self, context: str) -> None:
        """Begins a new trace; `context` is shown with each violation."""
        self.trace = []
        self._seen = set()
        self._context = context
        self._begin = time.monotonic()
        self._episode_count = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found in this episode."""
        return not self._episode_count

    def note(self, text: str) -> None:
        """Adds a line to the trace."""
        self.trace.append(f"{time.monotonic() - self._begin:9.4f} {text}")

    def require(self, holds: object, promise: str, *evidence: object, about: tuple[str, ...] = ()) -> bool:
        """Takes a violation unless `holds`; `about` names the session, the run and the process, as in the trace.

        The same promise about the same subjects counts once in an episode.
        """
        if holds:
            return True
        key = (promise, " ".join(about[:2]))
        if key in self._seen:
            return False
        self._seen.add(key)
        self._episode_count += 1
        self.counts[promise] += 1
        self.note(f"BROKEN: {promise} {' '.join(about)}")
        text = self._describe(promise, evidence, about)
        if not self.keep_going:
            raise Violation(text)
        if promise not in self.examples:
            self.examples[promise] = text
            print(text, file=sys.stderr, flush=True)
        return False

    def _describe(self, promise: str, evidence: tuple[object, ...], about: tuple[str, ...]) -> str:
        lines = [promise, f"  {self._context}"]
        if about:
            lines.append(f"  about: {' '.join(about)}")
        lines += [f"  {str(piece)[:SHOWN_EVIDENCE]}" for piece in evidence]
        trace = [line for line in self.trace if not any(kind in line for kind in MINOR)]
        last = trace[-SHOWN_LAST:]
        # What disturbs the processes concerns all.
        words = {*(about[:2] if len(about) > 1 else about), "!"}
        related = [line for line in trace[:-SHOWN_LAST] if words & set(line.split())][-SHOWN_ABOUT:]
        lines.append("  trace:")
        lines += [f"    {line}" for line in related]
        lines += ["    …"] if related else []
        lines += [f"    {line}" for line in last]
        return "\n".join(lines)
