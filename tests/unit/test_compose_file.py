"""docker-compose.yml and the workflow that uses the same images, as far as they can be looked at without Docker."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from rs_search.server.settings import PERSISTENCE, SEARCH, SETTINGS

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
SERVICES = COMPOSE["services"]

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


@each_service
def test_every_port_is_open_to_this_machine_only(service: dict[str, Any]) -> None:
    assert service["ports"]
    for port in service["ports"]:
        assert port.startswith("127.0.0.1:")


def test_no_two_services_have_the_same_port() -> None:
    ports = [port.split(":")[1] for service in SERVICES.values() for port in service["ports"]]
    assert sorted(ports) == ["6379", "6380", "6381", "8001"]


@each_service
def test_every_service_has_a_health_check(service: dict[str, Any]) -> None:
    assert "ping" in service["healthcheck"]["test"][1]


@each_service
def test_every_service_keeps_its_data_in_a_named_volume_of_its_own(service: dict[str, Any]) -> None:
    (volume,) = service["volumes"]
    name, place = volume.split(":")
    assert name in COMPOSE["volumes"]
    assert place == "/data"
    assert sum(volume in other["volumes"] for other in SERVICES.values()) == 1


@each_service
def test_every_image_is_pinned_to_a_release(service: dict[str, Any]) -> None:
    tag = service["image"].partition(":")[2]
    assert tag.count(".") == 2


def test_redis_stack_is_started_by_default_and_the_others_by_their_profiles() -> None:
    assert {name: service.get("profiles") for name, service in SERVICES.items()} == {
        "redis-stack": None,
        "redis8": ["redis8"],
        "plain": ["plain"],
    }


def test_both_search_servers_have_the_same_settings() -> None:
    words = SERVICES["redis-stack"]["environment"]["REDISEARCH_ARGS"].split()
    stack = dict(zip(words[::2], words[1::2], strict=True))
    command = SERVICES["redis8"]["command"][1:]
    redis_8 = dict(zip(command[::2], command[1::2], strict=True))
    names = {
        "MAXSEARCHRESULTS": "--search-max-search-results",
        "MAXAGGREGATERESULTS": "--search-max-aggregate-results",
        "TIMEOUT": "--search-timeout",
        "ON_TIMEOUT": "--search-on-timeout",
        "MAXPREFIXEXPANSIONS": "--search-max-prefix-expansions",
    }
    assert {names[name]: value.lower() for name, value in stack.items()} == {
        name: value for name, value in redis_8.items() if name.startswith("--search")
    }


def _wanted(group: str) -> dict[str, str]:
    return {setting.name: setting.wanted for setting in SETTINGS if setting.group == group}


def _pairs(words: list[str]) -> dict[str, str]:
    return dict(zip([word.removeprefix("--") for word in words[::2]], words[1::2], strict=True))


def test_the_settings_for_search_are_those_that_the_command_line_recommends() -> None:
    words = SERVICES["redis-stack"]["environment"]["REDISEARCH_ARGS"].split()
    assert {name: value.lower() for name, value in _pairs(words).items()} == _wanted(SEARCH)
    newer = {setting.newer_name: setting.wanted for setting in SETTINGS}
    assert _pairs(SERVICES["redis8"]["command"][1:]) == newer


def test_the_settings_for_persistence_are_those_that_the_command_line_recommends() -> None:
    # `--save 60 1000` is one setting of two words.
    plain = SERVICES["plain"]["command"][1:]
    stack = shlex.split(SERVICES["redis-stack"]["environment"]["REDIS_ARGS"])
    assert _pairs(plain) == _wanted(PERSISTENCE)
    assert _pairs([*stack[:3], " ".join(stack[3:])]) == _wanted(PERSISTENCE)


def test_the_workflow_tests_against_the_images_of_the_compose_file() -> None:
    servers = WORKFLOW["jobs"]["servers"]["strategy"]["matrix"]["server"]
    assert {server["name"]: server["image"] for server in servers} == {
        name: service["image"] for name, service in SERVICES.items()
    }


def test_the_workflow_may_only_read() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
