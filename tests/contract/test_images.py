"""What a file is, and how a picture is made to fit."""

import io
import struct
import zipfile
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.contract import Rejected
from bridge.services.images import MAX_PIXELS, fit
from bridge.services.metadata import strip
from bridge.services.mimetypes import sniff

ANY = ["image/jpeg", "image/png", "image/gif"]


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "navy" if mode == "RGB" else (0, 0, 128, 90)).save(out, kind, **options)
    return out.getvalue()


def noise(size: tuple[int, int], mode: str = "RGB", kind: str = "PNG") -> bytes:
    """A picture that no format makes small."""
    grey = Image.effect_noise(size, 90)
    out = io.BytesIO()
    Image.merge(mode, [grey.rotate(90 * turn) for turn in range(len(mode))]).save(out, kind)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(data))
    found.load()
    return found


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


OFFICE = "application/vnd.openxmlformats-officedocument."
FILES = [
    (picture("JPEG"), "image/jpeg"),
    (picture("PNG"), "image/png"),
    (picture("GIF"), "image/gif"),
    (picture("WEBP"), "image/webp"),
    (picture("BMP"), "image/bmp"),
    (picture("TIFF"), "image/tiff"),
    (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
    (b"\0\0\0\x18ftypavif\0\0\0\0", "image/avif"),
    (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4"),
    (b"\0\0\0\x18ftypisom\0\0\0\0", "video/mp4"),
    (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
    (b"\0\0\0\x18ftypM4A \0\0\0\0", "audio/mp4"),
    (b"%PDF-1.7\n", "application/pdf"),
    (zipped("a.txt"), "application/zip"),
    (zipped("[Content_Types].xml", "word/document.xml"), OFFICE + "wordprocessingml.document"),
    (zipped("[Content_Types].xml", "xl/workbook.xml"), OFFICE + "spreadsheetml.sheet"),
    (zipped("[Content_Types].xml", "ppt/presentation.xml"), OFFICE + "presentationml.presentation"),
    (b"#!AMR\n\x3c", "audio/amr"),
    (b"#!AMR-WB\n", "audio/amr"),
    (b"\x02#!SILK_V3", "audio/silk"),
    (b"#!SILK_V3", "audio/silk"),
    (b"ID3\x04\0\0", "audio/mpeg"),
    (b"\xff\xfb\x90\x64\0", "audio/mpeg"),
    (b"OggS\0\x02", "audio/ogg"),
    (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
    (b"\x1a\x45\xdf\xa3\x01", "video/webm"),
    (b"\x1f\x8b\x08\0", "application/gzip"),
    (b"hello", "text/plain"),
    ("你好".encode(), "text/plain"),
    (b"\0\x01\x02\x03", "application/octet-stream"),
    (b"", "application/octet-stream"),
]


@pytest.mark.parametrize(("data", "mime"), FILES, ids=lambda value: value if isinstance(value, str) else "")
def test_files_are_known_by_their_bytes(data: bytes, mime: str) -> None:
    assert sniff(data) == mime
    if mime not in {"text/plain", "application/octet-stream"}:
        assert sniff(data, "text/html; charset=utf-8", "page.html") == mime, "what is declared changes nothing"


@pytest.mark.parametrize("declared", ["image/svg+xml", "image/png", "image/jpeg; x=y", "IMAGE/PNG", ""])
@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?>\n<!-- x -->\n<svg></svg>",
        b"\xef\xbb\xbf  <SVG></SVG>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<html><body>",
        b"alert(1)",
        b"\0\0\0",
    ],
)
def test_what_a_browser_would_run_is_never_an_image(data: bytes, declared: str) -> None:
    assert not sniff(data, declared, "photo.png").startswith("image/")


@pytest.mark.parametrize(
    ("data", "declared", "name", "mime"),
    [
        (b"a,b\n1,2", "text/csv", "", "text/csv"),
        (b"a,b\n1,2", "", "table.csv", "text/csv"),
        (b"a,b\n1,2", "application/octet-stream", "table.csv", "text/csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", "", "application/msword"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "", "old.xls", "application/vnd.ms-excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "image/png", "x.png", "application/x-ole-storage"),
    ],
)
def test_what_is_declared_helps_where_bytes_say_nothing(data: bytes, declared: str, name: str, mime: str) -> None:
    assert sniff(data, declared, name) == mime


@given(st.binary(max_size=64), st.text(max_size=20), st.text(max_size=20))
def test_every_file_has_a_type(data: bytes, declared: str, name: str) -> None:
    assert "/" in sniff(data, declared, name)


# fit


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_what_fits_stays_as_it_is(kind: str) -> None:
    data = picture(kind)
    assert fit(data, mimes=ANY, max_bytes=len(data)) == (data, f"image/{kind.lower()}")


def test_an_animation_that_fits_stays_one() -> None:
    frames = [Image.new("RGB", (20, 20), (50 * shade, 0, 0)) for shade in range(5)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    data, mime = fit(out.getvalue(), mimes=ANY, max_bytes=10**6)
    assert (opened(data).n_frames, mime) == (5, "image/gif")  # type: ignore[attr-defined] # only of moving ones


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "TIFF"])
def test_other_formats_become_jpeg(kind: str) -> None:
    data, mime = fit(picture(kind), mimes=ANY, max_bytes=10**6)
    assert (mime, opened(data).format, opened(data).size) == ("image/jpeg", "JPEG", (60, 40))


def test_patterns_are_understood() -> None:
    data = picture("WEBP")
    assert fit(data, mimes=["image/*"], max_bytes=10**6) == (data, "image/webp")


@pytest.mark.parametrize("limit", [400_000, 60_000, 9_000])
def test_large_pictures_shrink(limit: int) -> None:
    data, mime = fit(noise((900, 700)), mimes=ANY, max_bytes=limit)
    assert mime == "image/jpeg"
    assert limit / 12 < len(data) <= limit, "no smaller than it must be, roughly"
    assert abs(opened(data).width / opened(data).height - 9 / 7) < 0.1


def test_quality_falls_before_size() -> None:
    source = noise((900, 700), kind="BMP")
    best, _ = fit(source, mimes=ANY, max_bytes=10**7)
    data, _ = fit(source, mimes=ANY, max_bytes=len(best) - 1)
    assert opened(data).size == (900, 700)


def test_transparency_is_kept_where_it_fits() -> None:
    source = noise((300, 200), "RGBA", "WEBP")
    data, mime = fit(source, mimes=ANY, max_bytes=10**6)
    assert (mime, opened(data).mode) == ("image/png", "RGBA")
    flat, mime = fit(source, mimes=ANY, max_bytes=20_000)
    assert (mime, opened(flat).mode) == ("image/jpeg", "RGB")


def test_transparent_becomes_white_not_black() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "WEBP")
    data, _ = fit(out.getvalue(), mimes=["image/jpeg"], max_bytes=10**6)
    assert all(channel > 250 for channel in opened(data).getpixel((5, 5)))  # type: ignore[union-attr] # three channels


def test_png_only() -> None:
    data, mime = fit(noise((400, 300)), mimes=["image/png"], max_bytes=60_000)
    assert (mime, len(data) <= 60_000) == ("image/png", True)


def test_metadata_goes_and_the_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "canary-camera"
    source = picture("WEBP", (60, 40), exif=exif)
    assert b"canary-camera" in source
    data, _ = fit(source, mimes=["image/jpeg"], max_bytes=10**6)
    assert opened(data).size == (40, 60)
    assert not opened(data).getexif()
    assert b"canary-camera" not in data


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to be enormous."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(50_000, 50_000), (MAX_PIXELS + 1, 1), (10_000, 9_000)])
def test_a_bomb_is_refused_before_it_unfolds(size: tuple[int, int]) -> None:
    with pytest.raises(Rejected) as caught:
        fit(bomb(*size), mimes=["image/jpeg"], max_bytes=10**6)
    assert caught.value.code == "too large"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"%PDF-1.7",
        b"<svg/>",
        picture()[:60],
        picture("JPEG")[:40],
        b"\0\0\0\x18ftypheic",
        bomb(100, 100),
    ],
    ids=["nothing", "text", "pdf", "svg", "half a png", "half a jpeg", "heic", "too little data"],
)
def test_what_is_no_picture_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        fit(data, mimes=["image/png" if data.startswith(b"\xff") else "image/jpeg"], max_bytes=10**6)
    assert caught.value.reason["en"]
    assert caught.value.reason["zh"]


def test_what_cannot_be_made_to_fit_is_refused() -> None:
    with pytest.raises(Rejected):
        fit(noise((500, 500)), mimes=ANY, max_bytes=100)
    with pytest.raises(Rejected):
        fit(picture(), mimes=["image/gif"], max_bytes=10**6)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([picture("JPEG"), picture("PNG"), picture("GIF"), picture("WEBP"), picture("BMP")]), st.data())
def test_damaged_pictures_are_read_or_refused(source: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(source) - 1))
    broken = source[:place] + data.draw(st.binary(max_size=8)) + source[place + data.draw(st.integers(0, 20)) :]
    try:
        result, _ = fit(broken, mimes=["image/jpeg"], max_bytes=100_000)
    except Rejected:
        return
    assert sniff(result) == "image/jpeg"


def test_a_picture_of_few_bytes_and_many_pixels_is_refused_by_its_header() -> None:
    out = io.BytesIO()
    Image.new("RGB", (7000, 7000), "navy").save(out, "WEBP", quality=1, method=0)
    with pytest.raises(Rejected) as caught:
        fit(out.getvalue(), mimes=ANY, max_bytes=10**6)
    assert caught.value.code == "too large"


@pytest.mark.parametrize("size", [(5600, 5000), (8000, 6000)])
def test_a_large_jpeg_is_read_smaller(size: tuple[int, int]) -> None:
    source = picture("JPEG", size)
    data, mime = fit(source, mimes=["image/jpeg"], max_bytes=len(source) - 1)
    assert (mime, opened(data).size) == ("image/jpeg", (size[0] // 2, size[1] // 2))


def test_a_large_progressive_jpeg_is_refused_for_it_is_held_whole() -> None:
    source = picture("JPEG", (8000, 6000), progressive=True)
    with pytest.raises(Rejected) as caught:
        fit(source, mimes=["image/jpeg"], max_bytes=len(source) - 1)
    assert caught.value.code == "too large"


# metadata


def camera(turned: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = turned
    exif[0x010F] = "canary-camera"
    exif.get_ifd(0x8825)[2] = (31.0, 13.0, 49.0)
    return exif


def moving(kind: str, **options: Any) -> bytes:
    frames = [Image.new("RGB", (20, 12), (50 * shade, 0, 0)) for shade in range(4)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], **options)
    return out.getvalue()


def in_a_frame(source: bytes, kind: bytes, body: bytes) -> bytes:
    """A moving WebP, the first picture of which carries a chunk of somebody's own."""
    at = source.index(b"ANMF")
    size = int.from_bytes(source[at + 4 : at + 8], "little")
    more = kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    frame = b"ANMF" + struct.pack("<I", size + len(more)) + source[at + 8 : at + 8 + size] + more
    whole = source[12:at] + frame + source[at + 8 + size + size % 2 :]
    return b"RIFF" + struct.pack("<I", len(whole) + 4) + b"WEBP" + whole


def between_head_and_pixels(source: bytes, body: bytes) -> bytes:
    (start,) = struct.unpack_from("<I", source, 10)
    return source[:10] + struct.pack("<I", start + len(body)) + source[14:start] + body + source[start:]


CANARIES = [
    (picture("JPEG", exif=camera(), comment=b"canary-remark"), "image/jpeg"),
    (picture("PNG", exif=camera()), "image/png"),
    (picture("WEBP", exif=camera(), xmp=b"<x>canary-xmp</x>"), "image/webp"),
    (picture("GIF", comment=b"canary-remark"), "image/gif"),
    (moving("GIF", comment=b"canary-remark"), "image/gif"),
    (moving("WEBP", exif=camera(), xmp=b"<x>canary-xmp</x>"), "image/webp"),
    (moving("PNG", exif=camera()), "image/png"),
    (moving("MPO", exif=camera()), "image/jpeg"),
    (picture("AVIF", exif=camera(), xmp=b"<x>canary-xmp</x>"), "image/avif"),
    (moving("AVIF", exif=camera(), xmp=b"<x>canary-xmp</x>"), "image/avif"),
    (in_a_frame(moving("WEBP"), b"EXIF", b"canary-frame"), "image/webp"),
    (in_a_frame(moving("WEBP"), b"GPS ", b"canary-frame!"), "image/webp"),
    (between_head_and_pixels(picture("BMP"), b"canary-gap"), "image/bmp"),
]


@pytest.mark.parametrize(("source", "mime"), CANARIES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_cameras_wrote_and_what_is_appended_goes_and_pixels_stay(source: bytes, mime: str) -> None:
    assert b"canary" in source
    data, kind = fit(source + b"canary-film" * 9, mimes=["image/*"], max_bytes=10**6)
    assert kind == mime
    assert b"canary" not in data
    assert not opened(data).getexif()
    before, after = opened(source), opened(data)
    frames = 1 if mime == "image/jpeg" else getattr(before, "n_frames", 1)
    assert getattr(after, "n_frames", 1) == frames
    for number in range(frames):
        before.seek(number)
        after.seek(number)
        assert before.convert("RGBA").tobytes() == after.convert("RGBA").tobytes()
    assert fit(data, mimes=["image/*"], max_bytes=10**6)[0] == data, "nothing is left to remove"


def tiff_of(source: str = "L", **options: Any) -> bytes:
    out = io.BytesIO()
    pages = [Image.effect_noise((40, 30), shade * 9 + 9).convert(source) for shade in range(2)]
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], exif=camera(6), **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "tiff_lzw"},
        {"compression": "tiff_adobe_deflate", "big_tiff": False},
        {"description": "canary-words"},
    ],
)
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
def test_a_tiff_keeps_its_pages_pixels_and_orientation_alone(mode: str, options: dict[str, Any]) -> None:
    source = tiff_of(mode, **options)
    assert b"canary" in source
    bare = strip(source + b"canary-film" * 9, "image/tiff")
    assert bare is not None and b"canary" not in bare
    before, after = opened(source), opened(bare)
    assert Image.open(io.BytesIO(bare)).getexif()[0x0112] == 6  # until its pixels are read
    for number in range(2):
        before.seek(number)
        after.seek(number)
        assert before.tobytes() == after.tobytes()
    assert strip(bare, "image/tiff") == bare


def test_a_heic_loses_places_and_what_is_appended_and_keeps_its_length() -> None:
    source = picture("AVIF", exif=camera(), xmp=b"<x>canary-xmp</x>").replace(b"ftypavif", b"ftypheic")
    assert source.count(b"canary") == 2
    bare = strip(source + b"canary-film" * 9, "image/heic")
    assert bare is not None and b"canary" not in bare
    assert len(bare) == len(source)
    assert (
        opened(bare.replace(b"ftypheic", b"ftypavif")).tobytes()
        == opened(source.replace(b"ftypheic", b"ftypavif")).tobytes()
    )
    assert strip(source + b"GPSSGPSSGPSS", "image/heic") == bare
    assert strip(source[:-9], "image/heic") is None, "cut short"


def test_iptc_and_xmp_go_and_the_colour_profile_stays() -> None:
    plain = picture("JPEG", icc_profile=b"profile" * 20, progressive=True)
    iptc_body = b"Photoshop 3.0\x00canary-iptc"
    iptc = b"\xff\xed" + struct.pack(">H", len(iptc_body) + 2) + iptc_body
    xmp_body = b"http://ns.adobe.com/xap/1.0/\x00canary-xmp"
    xmp = b"\xff\xe1" + struct.pack(">H", len(xmp_body) + 2) + xmp_body
    data, _ = fit(plain[:2] + iptc + xmp + plain[2:], mimes=ANY, max_bytes=10**6)
    assert data == plain


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_turned_picture_is_turned_also_when_it_fits(kind: str) -> None:
    data, _ = fit(picture(kind, (60, 40), exif=camera(6)), mimes=["image/*"], max_bytes=10**6)
    assert opened(data).size == (40, 60)
    assert not opened(data).getexif()
    assert b"canary" not in data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_stored_keeps_its_orientation_alone(kind: str) -> None:
    bare = strip(picture(kind, exif=camera(6)), f"image/{kind.lower()}")
    assert bare is not None and b"canary" not in bare
    assert dict(opened(bare).getexif()) == {0x0112: 6}


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped() -> None:
    source = Image.new("I;16", (64, 64))
    source.putdata([index * 16 for index in range(64 * 64)])
    out = io.BytesIO()
    source.save(out, "PNG")
    data, _ = fit(out.getvalue(), mimes=["image/jpeg"], max_bytes=10**6)
    shades = [opened(data).convert("L").getpixel((32, row)) for row in (1, 32, 62)]
    assert [abs(shade - wanted) < 12 for shade, wanted in zip(shades, (6, 130, 248), strict=True)] == [True] * 3  # type: ignore[operator] # one channel


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_what_moves_is_refused_rather_than_made_a_still(kind: str) -> None:
    with pytest.raises(Rejected) as caught:
        fit(moving(kind), mimes=["image/jpeg"], max_bytes=10**6)
    assert caught.value.code == "animated"
    assert caught.value.reason["en"] and caught.value.reason["zh"]
    assert fit(moving(kind), mimes=["image/jpeg"], max_bytes=10**6, still=True)[1] == "image/jpeg"


@given(st.sampled_from(CANARIES), st.data())
def test_damage_never_breaks_the_cleaning(source: tuple[bytes, str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(source[0]) - 1))
    strip(source[0][:place] + data.draw(st.binary(max_size=8)) + source[0][place + 3 :], source[1])
    strip(source[0][:place], source[1])
