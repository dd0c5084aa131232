"""A small OpenID Connect provider on this machine: it asks nobody anything, and signs in whoever is next."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from local_server import local_http_server

CLIENT = "reelsense-page"


@dataclass
class Provider:
    """A running provider; `claims` are those of who signs in next, `asked` what the client asked so far."""

    url: str
    secret: str
    redirect_url: str
    claims: dict[str, Any] = field(default_factory=dict)
    issued_ago: int = 0
    forged: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    other_key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = field(default_factory=dict)

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/.well-known/openid-configuration"

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/leave",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "email", "profile"],
        }

    def authorize(self, asked: dict[str, str]) -> str | None:
        """Where to send the browser back to; None for a client or an address that is not known."""
        self.asked.append(asked)
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") != self.redirect_url:
            return None
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return None
        code = secrets.token_urlsafe(16)
        self.codes[code] = (asked, dict(self.claims))
        return f"{self.redirect_url}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, given: dict[str, str], basic: tuple[str, str] | None) -> dict[str, Any] | None:
        """The tokens of a code, once; None when client, code, address or verifier is not the right one."""
        client = basic or (given.get("client_id", ""), given.get("client_secret", ""))
        asked, claims = self.codes.pop(given.get("code", ""), ({}, {}))
        if client != (CLIENT, self.secret) or not asked or given.get("redirect_uri") != asked["redirect_uri"]:
            return None
        hashed = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        if asked.get("code_challenge_method") == "S256" and _base64(hashed) != asked["code_challenge"]:
            return None
        issued = int(time.time()) - self.issued_ago
        access = secrets.token_urlsafe(16)
        told = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": hashlib.sha256(json.dumps(claims).encode()).hexdigest()[:12],
            "iat": issued,
            "exp": int(time.time()) + 3600,
            "nonce": asked.get("nonce", ""),
            "at_hash": _base64(hashlib.sha256(access.encode()).digest()[:16]),
            **claims,
        }
        key = self.other_key if self.forged else self.key
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, told, key)
        return {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "id_token": signed}


@contextmanager
def oidc_provider(redirect_url: str) -> Iterator[Provider]:
    """A provider that knows one client, whose address is `redirect_url`."""
    with local_http_server(_Handler) as server:
        provider = Provider(f"http://127.0.0.1:{server.server_port}", secrets.token_urlsafe(24), redirect_url)
        server.provider = provider  # type: ignore[attr-defined]
        yield provider


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        path, asked = urlsplit(self.path).path, _one_each(urlsplit(self.path).query)
        if path == "/.well-known/openid-configuration":
            self._json(provider.metadata())
        elif path == "/jwks":
            self._json({"keys": [provider.key.as_dict(private=False)]})
        elif path == "/authorize":
            self._redirect(provider.authorize(asked))
        elif path == "/leave":
            provider.left.append(asked)
            self._redirect(asked.get("post_logout_redirect_uri"))
        else:
            self._json(None)

    def do_POST(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        given = _one_each(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
        kind, _, words = self.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(words).decode().partition(":") if kind == "Basic" else ("", "", "")
        basic = (unquote(name), unquote(secret)) if kind == "Basic" else None
        self._json(provider.token(given, basic) if urlsplit(self.path).path == "/token" else None)

    def log_message(self, *_: object) -> None:
        pass

    def _redirect(self, to: str | None) -> None:
        if to is None:
            self._json(None)
            return
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, told: dict[str, Any] | None) -> None:
        body = json.dumps({"error": "invalid_request"} if told is None else told).encode()
        self.send_response(400 if told is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _one_each(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
