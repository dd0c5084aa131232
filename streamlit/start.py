"""Start the web page, and beside it the API where none is configured. Ctrl-C ends both. `make ui`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests

from reelsense.errors import ReelsenseError, SettingsError
from reelsense.sections import PageSettings
from reelsense.settings import Settings, load_settings
from reelsense.sources.loopback import all_here, is_loopback

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "streamlit" / "app"
_START_SECONDS = 120.0
_SHORTEST_PASSWORD = 8
_SHORTEST_SECRET = 32
# Streamlit with what every page needs loaded before it listens: the first visitor should not wait for it. What is
# loaded by then stays, so garbage collections need not look at it.
_PAGE = "import gc, pandas, requests, wordcloud; from streamlit.web.cli import main; gc.collect(); gc.freeze(); main()"


def main() -> int:
    """The page's exit status."""
    port = os.environ.get("PORT", "8501")
    host = os.environ.get("HOST", "127.0.0.1")
    # One ends with the other, and both with Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    running: list[subprocess.Popen[bytes]] = []
    try:
        settings = load_settings()
        check_sign_in(settings, host)
        secrets = write_secrets(settings)
        environment = {**os.environ, "REELSENSE_HOME": str(settings.home.absolute())}
        if not settings.links.api:
            environment["REELSENSE_LINKS__API"] = start_api(environment, running)
        command = [sys.executable, "-c", _PAGE, "run", "web.py", "--server.port", port]
        command += ["--server.address", host]
        if secrets is not None:
            command += ["--secrets.files", str(secrets)]
        # In its folder, where its configuration is; a path in HOME or .env is read against this one.
        running.append(subprocess.Popen(command, cwd=APP, env=_with_env_file(environment)))
        print(f"API {environment.get('REELSENSE_LINKS__API', settings.links.api)}")
        print(f"http://{host}:{port}", flush=True)
        while all(one.poll() is None for one in running):
            time.sleep(0.3)
        return next(one.returncode for one in running if one.returncode is not None) or 1
    except ReelsenseError as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, SystemExit):
        return 0
    finally:
        for one in reversed(running):
            one.terminate()
        for one in running:
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()


def check_sign_in(settings: Settings, host: str) -> None:
    """Refuse a page that anybody could walk into, or a sign-in that is easily got round. Raises SettingsError."""
    page, shared, words = settings.page, not all_here(settings), settings.page.passwords()
    if page.oidc_client_id:
        _check_oidc(page)
    elif shared and "admin" not in words:
        raise SettingsError("Nobody could sign in: set REELSENSE_PAGE__ADMIN_PASSWORD, or REELSENSE_PAGE__OIDC_….")
    elif not words and not is_loopback(host.lower()):
        raise SettingsError(
            f"Whoever reaches {host} could do everything: set REELSENSE_PAGE__ADMIN_PASSWORD or "
            "REELSENSE_PAGE__OIDC_…, or leave HOST at 127.0.0.1."
        )
    elif len(set(words.values())) < len(words):
        raise SettingsError("Two roles have one password: set others in REELSENSE_PAGE__…_PASSWORD.")
    elif shared and (short := [role for role, word in words.items() if len(word) < _SHORTEST_PASSWORD]):
        names = ", ".join(f"REELSENSE_PAGE__{role.upper()}_PASSWORD" for role in short)
        raise SettingsError(f"Too easily guessed, at least {_SHORTEST_PASSWORD} characters are needed: {names}.")
    if not settings.embedded and settings.links.api_key is None:
        raise SettingsError("The API of a shared store wants a key: set REELSENSE_LINKS__API_KEY, one with all scopes.")


def _check_oidc(page: PageSettings) -> None:
    needed = {
        "oidc_metadata_url": page.oidc_metadata_url,
        "oidc_client_secret": page.oidc_client_secret and page.oidc_client_secret.get_secret_value(),
        "oidc_redirect_url": page.oidc_redirect_url,
        "cookie_secret": page.cookie_secret and page.cookie_secret.get_secret_value(),
    }
    if missing := [f"REELSENSE_PAGE__{name.upper()}" for name, value in needed.items() if not value]:
        raise SettingsError(f"OIDC needs {', '.join(missing)} too.")
    if len(str(needed["cookie_secret"])) < _SHORTEST_SECRET:
        raise SettingsError(f"REELSENSE_PAGE__COOKIE_SECRET needs {_SHORTEST_SECRET} characters: openssl rand -hex 32.")
    if not page.oidc_redirect_url.endswith("/oauth2callback"):
        raise SettingsError("REELSENSE_PAGE__OIDC_REDIRECT_URL is the page's address with /oauth2callback at its end.")
    if find_spec("authlib") is None:
        raise SettingsError("OIDC needs the package Authlib: pip install Authlib.")


def write_secrets(settings: Settings) -> Path | None:
    """What Streamlit's own sign-in reads, in HOME, for its owner only; None without OIDC."""
    page = settings.page
    if not page.oidc_client_id or page.oidc_client_secret is None or page.cookie_secret is None:
        return None
    told: dict[str, Any] = {
        "redirect_uri": page.oidc_redirect_url,
        "cookie_secret": page.cookie_secret.get_secret_value(),
        "client_id": page.oidc_client_id,
        "client_secret": page.oidc_client_secret.get_secret_value(),
        "server_metadata_url": page.oidc_metadata_url,
    }
    path = settings.home.absolute() / "page-secrets.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)  # one that was there keeps its mode otherwise
        # A TOML string is a JSON string, but for the escapes of what lies beyond 16 bits.
        lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in told.items())
        file.write("[auth]\n" + "".join(lines))
    return path


def start_api(environment: dict[str, str], running: list[subprocess.Popen[bytes]]) -> str:
    """The address of an API on a free port of this machine, ready; it joins what is `running`, to be ended with it.

    Raises SettingsError when it does not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "fastapi"), "--factory", "app.main:create_app"]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen(command, env=environment)
    running.append(process)  # whoever ends us while it starts ends it, too
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(f"{address}/readyz", timeout=5).ok:
                return address
        except requests.RequestException:
            time.sleep(0.2)
    raise SettingsError("The API did not start: see its messages above.")


def _with_env_file(environment: dict[str, str]) -> dict[str, str]:
    """`.env` of the folder we were started in, for a process that runs in another one."""
    from dotenv import dotenv_values

    found = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**found, **environment}


if __name__ == "__main__":
    sys.exit(main())
