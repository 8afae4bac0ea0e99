"""How a picture is made to fit, from its bytes alone. Pure. Import it late: its library takes 10 MB."""

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from PIL import Image, ImageOps

from bridge.contract.errors import Rejected
from bridge.services.metadata import names_nothing, strip
from bridge.services.mimetypes import sniff

warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\..*")  # remarks on damage that people send
Image.init()
# those that people send; some builds of the library lack one, and each format more is code that reads hostile bytes
_FORMATS = tuple(name for name in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF") if name in Image.OPEN)
MAX_PIXELS = 16_000_000  # decoded at once: about 16 bytes each while a WebP unfolds
# JPEGs are decoded at a half to an eighth of their size, and only progressive ones are held whole (6 bytes a pixel)
MAX_JPEG_PIXELS = 128_000_000
MAX_PROGRESSIVE_PIXELS = 32_000_000
Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS  # the library's own limit, twice of which it refuses
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused below, in words

_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError, TypeError, ZeroDivisionError)

_MOVES = {
    "en": "the picture moves or has several pages, and would lose that",
    "zh": "图片为动图或包含多页，转换后会丢失",
}
_TOO_LARGE = {
    "en": "the picture is too large",
    "zh": "图片过大",
}
_UNREADABLE = {
    "en": "the picture cannot be read",
    "zh": "图片无法识别",
}


def fit(data: bytes, *, mimes: Sequence[str], max_bytes: int, still: bool = False) -> tuple[bytes, str]:
    """The picture as one of `mimes` (patterns) in at most `max_bytes`, and its MIME type, without metadata.

    Its pixels stay as they are where it already fits and stands upright, animations included. Otherwise it is turned
    upright and becomes a JPEG (a PNG where it is transparent and fits so), with falling quality, then size; of a
    moving one only with `still`, for then it is its first frame. Raises Rejected for what is no picture, would lose
    its motion or its pages, has more than MAX_PIXELS (JPEGs: more, and are read smaller) or cannot be made to fit.
    The header is asked before anything is unfolded.
    """
    mime = sniff(data)
    if mime.startswith("image/") and _allowed(mime, mimes):
        bare = strip(data, mime)
        if bare is None and names_nothing(data, mime):
            bare = data
        if bare is not None and len(bare) <= max_bytes and not _is_turned(bare):
            return bare, mime
    picture = _open(data, still)
    for encode in _encoders(picture, mimes):
        for result, kind in encode(picture):
            if len(result) <= max_bytes:
                return result, kind
    raise Rejected(f"the picture cannot be made to fit {max_bytes} bytes", code="too large", reason=_TOO_LARGE)


def _is_turned(data: bytes) -> bool:
    try:
        return bool(Image.open(io.BytesIO(data), formats=_FORMATS).getexif().get(0x0112, 1) != 1)
    except _DAMAGE:
        return False  # whoever shows it will not read it either


def _allowed(mime: str, mimes: Sequence[str]) -> bool:
    return any(fnmatchcase(mime, pattern) for pattern in mimes)


def _open(data: bytes, still: bool) -> Image.Image:
    """The picture, upright, as RGB or RGBA; of several the first, if `still`."""
    try:
        picture: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
        pixels = picture.width * picture.height
        most = _most_pixels(picture)
        if pixels > most:
            raise _bomb(pixels, most)
        if not still and picture.format != "MPO" and getattr(picture, "is_animated", False):
            raise Rejected("the picture moves or has several pages", code="animated", reason=_MOVES)
        while picture.width * picture.height > MAX_PIXELS:  # only JPEGs, which can be read at half their size
            before = picture.size
            picture.draft(picture.mode, (before[0] // 2, before[1] // 2))
            if picture.size == before:
                raise _bomb(pixels, MAX_PIXELS)
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _bomb(MAX_JPEG_PIXELS, MAX_JPEG_PIXELS) from None
    except _DAMAGE as error:
        raise Rejected(
            f"the picture cannot be read ({type(error).__name__})", code="unreadable", reason=_UNREADABLE
        ) from None
    picture = _eight_bits(picture)
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)  # no copy where none is needed


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Greys of 16 bits and more are scaled; the library would cut them off at 255, which is white."""
    if picture.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    elif picture.mode in {"I", "F"}:
        low, high = (float(end) for end in picture.getextrema())  # type: ignore[arg-type] # one band
        if low >= 0 and high <= 255:
            return picture
    else:
        return picture
    scale = 255 / (high - low or 1)
    wide = picture if picture.mode == "F" else picture.convert("I")
    grey = wide.point(lambda value: value * scale - low * scale).convert("L")
    grey.info.pop("transparency", None)  # was said in the old depth
    return grey


def _most_pixels(picture: Image.Image) -> int:
    if picture.format not in {"JPEG", "MPO"}:
        return MAX_PIXELS
    return MAX_PROGRESSIVE_PIXELS if picture.info.get("progressive") else MAX_JPEG_PIXELS


def _bomb(pixels: int, most: int) -> Rejected:
    return Rejected(f"the picture has {pixels} pixels; the limit is {most}", code="too large", reason=_TOO_LARGE)


_Encoder = Callable[[Image.Image], Iterator[tuple[bytes, str]]]


def _encoders(picture: Image.Image, mimes: Sequence[str]) -> list[_Encoder]:
    jpeg, png = _allowed("image/jpeg", mimes), _allowed("image/png", mimes)
    found: list[_Encoder] = []
    if png and picture.mode == "RGBA":
        found.append(_as_png)
    if jpeg:
        found.append(_as_jpegs)
    if png and not jpeg:
        found.append(_as_pngs)
    return found


_SCALES = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.08)


def _as_jpegs(picture: Image.Image) -> Iterator[tuple[bytes, str]]:
    flat = picture
    if picture.mode == "RGBA":
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A"))
    for scale in _SCALES:
        scaled = _scaled(flat, scale)
        for quality in (88, 75, 60):
            yield _saved(scaled, "JPEG", quality=quality, optimize=True), "image/jpeg"


def _as_png(picture: Image.Image) -> Iterator[tuple[bytes, str]]:
    yield _saved(picture, "PNG", optimize=True), "image/png"


def _as_pngs(picture: Image.Image) -> Iterator[tuple[bytes, str]]:
    for scale in _SCALES:
        yield _saved(_scaled(picture, scale), "PNG", optimize=True), "image/png"


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale == 1.0:
        return picture
    size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
