"""Pictures made from a prompt, kept in the object store: asked again they come from there."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from reelsense.documents.json_text import parse_json
from reelsense.errors import InputError, NotThere, ServiceAway
from reelsense.objects import ObjectStore
from reelsense.sections import StudioSettings
from reelsense.studio.client import provider
from reelsense.studio.costs import estimate_images
from reelsense.studio.safety import check
from reelsense.studio.spending import Pay, uncounted
from reelsense.text.clean import clean

Size = Literal["1024x1024", "1536x1024", "1024x1536"]
SIZES: tuple[Size, ...] = get_args(Size)

IMAGES = "studio/images/"
# Empty objects whose keys begin with the time: what the gallery is paged by.
GALLERY = "studio/gallery/"
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 20_000_000
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StudioImage:
    """A picture that was made; its PNG is read by `read_image`."""

    id: str
    prompt: str
    model: str
    size: str
    made_at: datetime


def make_images(
    settings: StudioSettings,
    objects: ObjectStore,
    prompt: str,
    size: Size,
    number: int,
    again: bool = False,
    pay: Pay = uncounted,
) -> list[StudioImage]:
    """So many pictures of a prompt; those of the store where the same was asked before, unless `again`.

    Raises Conflict without a key, InputError for what is not allowed, ServiceAway when the provider fails,
    RateLimited where `pay` does.
    """
    prompt = clean(prompt)
    if not prompt:
        raise InputError("The prompt is empty.")
    if size not in SIZES:
        raise InputError(f"'{size}' is no size of an image: {', '.join(SIZES)}.")
    if not 1 <= number <= settings.most_images:
        raise InputError(f"Between 1 and {settings.most_images} images are made at once.")
    asked = request_digest(settings.image_model, prompt, size, number)
    if not again and len(kept := _kept(objects, asked)) >= number:
        return kept[:number]
    check(settings, prompt)
    made = _generate(settings, prompt, size, number, pay)
    return [_keep(objects, settings.image_model, asked, prompt, size, data) for data in made]


def request_digest(model: str, prompt: str, size: str, number: int) -> str:
    """Equal for what is asked again."""
    told = json.dumps([model, prompt, size, number], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def gallery(objects: ObjectStore, limit: int, offset: int) -> tuple[list[StudioImage], int]:
    """Pictures, newest first, and how many there are in all."""
    keys = objects.keys(GALLERY)[::-1]
    found = (_described(objects, key.rpartition("-")[2]) for key in keys[offset : offset + limit])
    return [one for one in found if one is not None], len(keys)


def read_image(objects: ObjectStore, id: str) -> bytes:
    """The PNG. Raises NotThere."""
    data = objects.read(f"{IMAGES}{id}.png") if _ID.fullmatch(id) else None
    if data is None:
        raise NotThere("There is no such image: GET /v1/studio/images lists them.")
    return data


def _kept(objects: ObjectStore, asked: str) -> list[StudioImage]:
    ids = [key.removeprefix(IMAGES).removesuffix(".json") for key in objects.keys(IMAGES + asked) if "json" in key]
    found = [one for id in ids if (one := _described(objects, id)) is not None]
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def _described(objects: ObjectStore, id: str) -> StudioImage | None:
    told = objects.read(f"{IMAGES}{id}.json") if _ID.fullmatch(id) else None
    try:
        facts = parse_json(told or b"")
        made_at = datetime.fromisoformat(facts["made_at"])
        return StudioImage(id, facts["prompt"], facts["model"], facts["size"], made_at)
    except (ValueError, LookupError, TypeError):
        return None


def _keep(objects: ObjectStore, model: str, asked: str, prompt: str, size: str, data: bytes) -> StudioImage:
    id = asked + hashlib.sha256(data).hexdigest()[:16]
    made = StudioImage(id, prompt, model, size, datetime.now(UTC))
    told = {**asdict(made), "made_at": made.made_at.isoformat()}
    # In the gallery last, when the whole is there.
    objects.write(f"{IMAGES}{id}.png", data)
    objects.write(f"{IMAGES}{id}.json", json.dumps(told, ensure_ascii=False).encode())
    objects.write(f"{GALLERY}{made.made_at:%Y%m%dT%H%M%S%f}-{id}", b"")
    return made


def _generate(settings: StudioSettings, prompt: str, size: Size, number: int, pay: Pay) -> list[bytes]:
    model = settings.image_model
    # OpenAI's own models answer with the picture itself; others (dall-e, compatible servers) have to be asked to.
    form: dict[str, Any] = {"quality": "medium"} if "gpt-image" in model else {"response_format": "b64_json"}
    with provider(settings, "images") as client:
        with pay(estimate_images(settings, size, number)):
            answer: Any = client.images.generate(model=model, prompt=prompt, size=size, n=number, **form)
        made = list(_pictures(answer))
    if not made:
        raise ServiceAway("The provider made no image: try again.")
    return made[:number]


def _pictures(answer: Any) -> Iterator[bytes]:
    for one in answer.data:
        data = base64.b64decode(one.b64_json, validate=True)
        if not data.startswith(_PNG) or len(data) > _MOST_BYTES:
            raise ValueError("no PNG")
        yield data
