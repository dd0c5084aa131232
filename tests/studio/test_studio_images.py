"""Pictures: made once, kept, listed newest first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai_server import IMAGES, MODERATIONS, Provider, png

from reelsense.errors import Conflict, InputError, NotThere, ServiceAway
from reelsense.objects import ObjectStore
from reelsense.sections import StudioSettings
from reelsense.studio.images import gallery, make_images, read_image


def test_as_many_pictures_are_made_as_asked_for_and_kept(
    studio: StudioSettings, objects: ObjectStore, provider: Provider
) -> None:
    made = make_images(studio, objects, "a red train", "1536x1024", 3)
    assert len({one.id for one in made}) == 3
    [asked] = provider.asked(IMAGES)
    assert (asked["model"], asked["prompt"], asked["size"], asked["n"]) == (
        "gpt-image-1",
        "a red train",
        "1536x1024",
        3,
    )
    assert [read_image(objects, one.id) for one in made] == [png(0), png(1), png(2)]
    told = json.loads(objects.read(f"studio/images/{made[0].id}.json") or b"")
    assert {name: told[name] for name in ("prompt", "model", "size")} == {
        "prompt": "a red train",
        "model": "gpt-image-1",
        "size": "1536x1024",
    }
    assert told["made_at"] == made[0].made_at.isoformat()


def test_the_same_asked_again_comes_from_the_store_unless_new_ones_are_wanted(
    studio: StudioSettings, objects: ObjectStore, provider: Provider
) -> None:
    first = make_images(studio, objects, "a red train", "1024x1024", 2)
    again = make_images(studio, objects, "a red train", "1024x1024", 2)
    assert {one.id for one in again} == {one.id for one in first}
    assert len(provider.requests) == 2  # one moderation, one call
    new = make_images(studio, objects, "a red train", "1024x1024", 2, again=True)
    assert not {one.id for one in new} & {one.id for one in first}
    newest = make_images(studio, objects, "a red train", "1024x1024", 2)
    assert {one.id for one in newest} == {one.id for one in new}
    for other in (("a red train", "1024x1536", 2), ("a red train", "1024x1024", 1), ("a blue train", "1024x1024", 2)):
        before = len(provider.asked(IMAGES))
        make_images(studio, objects, *other)  # type: ignore[arg-type]
        assert len(provider.asked(IMAGES)) == before + 1
    assert make_images(studio.model_copy(update={"image_model": "other"}), objects, "a red train", "1024x1024", 2)
    assert provider.asked(IMAGES)[-1]["response_format"] == "b64_json"


def test_the_gallery_shows_the_newest_first_by_pages(
    studio: StudioSettings, objects: ObjectStore, provider: Provider
) -> None:
    assert gallery(objects, 10, 0) == ([], 0)
    for at in range(5):
        make_images(studio, objects, f"picture {at}", "1024x1024", 1)
    found, total = gallery(objects, 2, 1)
    assert ([one.prompt for one in found], total) == (["picture 3", "picture 2"], 5)
    assert gallery(objects, 2, 5) == ([], 5)


@pytest.mark.parametrize("id", ["0" * 32, "", "../../secret", "a" * 31 + "/", "A" * 32, "0" * 33])
def test_a_picture_that_is_not_there_is_said_so(objects: ObjectStore, id: str) -> None:
    objects.write("studio/secret.png", b"x")
    with pytest.raises(NotThere):
        read_image(objects, id)


@pytest.mark.parametrize(
    ("prompt", "size", "number"),
    [
        ("", "1024x1024", 1),
        (" \u200b\x00", "1024x1024", 1),
        ("a", "640x480", 1),
        ("a", "1024x1024", 0),
        ("a", "1024x1024", 5),
    ],
)
def test_an_unusable_request_is_not_sent(
    studio: StudioSettings, objects: ObjectStore, provider: Provider, prompt: str, size: Any, number: int
) -> None:
    with pytest.raises(InputError):
        make_images(studio, objects, prompt, size, number)
    assert not provider.requests


def test_a_prompt_that_is_not_allowed_is_refused_before_the_call(
    studio: StudioSettings, objects: ObjectStore, provider: Provider
) -> None:
    with pytest.raises(InputError, match="put it differently"):
        make_images(studio, objects, "금지어를 그려", "1024x1024", 1)
    assert provider.asked(MODERATIONS)
    with pytest.raises(InputError, match="put it differently"):
        make_images(studio, objects, "Child - P.o.r.n", "1024x1024", 1)
    assert len(provider.requests) == 1
    assert gallery(objects, 10, 0) == ([], 0)


@pytest.mark.parametrize("picture", [b"<html>no picture</html>", b"\xff\xd8\xff jpeg", b"\x89PNG"])
def test_what_is_no_png_is_not_kept(
    studio: StudioSettings, objects: ObjectStore, provider: Provider, picture: bytes
) -> None:
    provider.picture = picture
    with pytest.raises(ServiceAway):
        make_images(studio, objects, "a", "1024x1024", 1)
    assert not objects.keys("studio/")


def test_without_a_key_kept_pictures_are_still_answered(
    studio: StudioSettings, offline: StudioSettings, objects: ObjectStore
) -> None:
    made = make_images(studio, objects, "a red train", "1024x1024", 1)
    assert make_images(offline, objects, "a red train", "1024x1024", 1) == made
    with pytest.raises(Conflict, match="REELSENSE_STUDIO__API_KEY"):
        make_images(offline, objects, "another", "1024x1024", 1)
