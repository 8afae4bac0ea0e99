"""Uploaded pictures: how many pixels are unfolded, and what cameras wrote into them."""

import io
from typing import Any

import pytest
from PIL import Image

from connectors.webchat.uploads import accept
from connectors.webchat.web import Refusal


def picture(kind: str, size: tuple[int, int], **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"), [("WEBP", {"quality": 1, "method": 0}), ("PNG", {}), ("JPEG", {"progressive": True})]
)
async def test_few_bytes_with_many_pixels_are_refused(kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await accept(picture(kind, (8000, 5000) if kind == "JPEG" else (5000, 4000), **options))
    assert caught.value.status == 413


async def test_a_photograph_with_many_pixels_is_made_smaller() -> None:
    found = await accept(picture("JPEG", (8000, 6000)))
    assert (found.mime, found.width, found.height) == ("image/jpeg", 4000, 3000)


async def test_a_jpeg_of_several_pictures_is_no_animation_and_loses_its_place() -> None:
    exif = Image.Exif()
    exif[0x010F] = "canary-camera"
    more = [Image.new("RGB", (40, 30), "red")]
    source = picture("MPO", (40, 30), save_all=True, append_images=more, exif=exif)
    assert b"canary-camera" in source
    found = await accept(source)
    assert b"canary-camera" not in found.data
