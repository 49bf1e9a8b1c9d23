"""The options of the benchmarks and the harness that each of them gets."""

from typing import Any

import pytest
from harness import CandidateClock, Harness, Setting
from pytest_benchmark.fixture import BenchmarkFixture

from resnetzoo import bench

CLOCK = CandidateClock()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("resnetzoo")
    group.addoption("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    group.addoption("--precision", default="auto", help="precision of our networks: auto, fp32 or bf16")
    group.addoption("--compile-all", action="store_true", help="also time every network compiled, not only a few")
    group.addoption(
        "--race-seconds", type=float, default=15.0, help="approximate length of the rounds of one benchmark (15)"
    )
    group.addoption(
        "--longest-call", type=float, default=8.0, help="skip benchmarks whose single call takes more seconds (8)"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "short: the selection that takes minutes")
    config.addinivalue_line("filterwarnings", "default")  # what other libraries warn of stops no race


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.benchmark(timer=CLOCK))


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    machine_info["resnetzoo"] = chosen(config).environment.facts()


def chosen(config: pytest.Config) -> Setting:
    return Setting(
        environment=bench.Environment.find(config.getoption("--device"), config.getoption("--precision")),
        compile_all=config.getoption("--compile-all"),
        race_seconds=config.getoption("--race-seconds"),
        longest_call=config.getoption("--longest-call"),
    )


@pytest.fixture(scope="session")
def setting(pytestconfig: pytest.Config) -> Setting:
    return chosen(pytestconfig)


@pytest.fixture
def harness(benchmark: BenchmarkFixture, setting: Setting) -> Harness:
    return Harness(benchmark, CLOCK, setting)
