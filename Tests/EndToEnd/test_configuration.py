"""Settings that several processes change at once."""

from __future__ import annotations

import pytest
from conftest import Start


@pytest.mark.parametrize("count", [50])
def test_two_processes_lose_no_change_of_each_other(start: Start, count: int) -> None:
    processes = [start(), start()]
    for number in range(count):
        requests = [
            (rkat, rkat.send("config/patch", {"patch": {"tools": {"tool_timeouts": {f"tool_{index}_{number}": "1s"}}}}))
            for index, rkat in enumerate(processes)
        ]
        for rkat, request in requests:
            rkat.result(request)
    names = {f"tool_{index}_{number}" for index in range(2) for number in range(count)}
    for rkat in processes:
        assert set(rkat.call("config/get")["tools"]["tool_timeouts"]) == names
