"""Airflow with what reelsense needs: `python airflow/start.py standalone`, `init`, or any other airflow command.

Everything can be overruled by Airflow's own variables (`AIRFLOW__SECTION__KEY`); what is not set gets a value that
works for one machine. The admin's password is AIRFLOW_ADMIN_PASSWORD, or made once, kept in AIRFLOW_HOME readable by
its owner only, and shown once.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from reelsense.kept_secret import kept_secret

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Prepare the environment, then become the command."""
    command = sys.argv[1:] or ["standalone"]
    home = prepare()
    if command[0] in ("init", "standalone"):
        initialise(home)
    if command[0] != "init":
        os.execv(sys.executable, [sys.executable, "-m", "airflow", *command])


def prepare() -> Path:
    """Set what Airflow needs and nobody has set; returns AIRFLOW_HOME."""
    reelsense_home = Path(os.environ.get("REELSENSE_HOME", ".reelsense")).absolute()
    home = Path(os.environ.setdefault("AIRFLOW_HOME", str(reelsense_home / "airflow")))
    home.mkdir(parents=True, exist_ok=True)
    # Tasks run in another working directory.
    os.environ["REELSENSE_HOME"] = str(reelsense_home)
    # `standalone` starts its parts by the name `airflow`.
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    port = os.environ.setdefault("AIRFLOW__API__PORT", "8080")
    defaults = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(max(2, os.cpu_count() or 2)),
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Seoul",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__WORKERS": "1",
        # A task whose worker is gone is found within minutes and tried again.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "PYTHONWARNINGS": "ignore",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("AIRFLOW__API_AUTH__JWT_SECRET", kept_secret(home / "jwt-secret").decode().strip())
    os.environ.setdefault("AIRFLOW__API__SECRET_KEY", kept_secret(home / "session-secret").decode().strip())
    _write_password()
    return home


def initialise(home: Path) -> None:
    """Bring Airflow's database to the newest schema, and create the pools."""
    for command in (["db", "migrate"], ["pools", "import", str(HERE / "pools.json")]):
        with (home / "init.log").open("a", encoding="utf-8") as log:
            done = subprocess.run([sys.executable, "-m", "airflow", *command], stdout=log, stderr=log, check=False)
        if done.returncode:
            sys.exit(f"start.py: 'airflow {' '.join(command)}' failed; see {home / 'init.log'}.")


def _write_password() -> None:
    """Airflow reads passwords from a file; who is not in it would get one that lands in its log."""
    path = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    users = [pair.split(":")[0] for pair in os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"].split(",")]
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    given = os.environ.get("AIRFLOW_ADMIN_PASSWORD")
    wanted = dict(known)
    for user in users:
        if given and user == users[0]:
            wanted[user] = given
        elif user not in wanted:
            wanted[user] = secrets.token_urlsafe(18)
            print(f"Airflow user '{user}', password (shown this once): {wanted[user]}", file=sys.stderr, flush=True)
    if wanted != known:
        _keep(path, json.dumps(wanted))


def _keep(path: Path, text: str) -> None:
    """Written aside and moved into place: of two components that start at once neither reads half a secret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    aside.replace(path)


if __name__ == "__main__":
    main()
