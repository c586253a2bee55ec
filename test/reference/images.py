"""Makes test/fixtures/images: pictures of every format, mode and shape that a caller may send.

The photos are scikit-image's: chelsea (CC0), coffee (CC0), rocket (public domain), astronaut and
hubble_deep_field (NASA, public domain), retina (CC0). Everything is written by Pillow, tifffile or the code below.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
import skimage
import tifffile
from PIL import Image

PHOTOS = Path(skimage.__file__).parent / "data"
IMAGES = Path(__file__).parents[1] / "fixtures" / "images"
ORIENTATION = 0x0112
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photo(name: str) -> Image.Image:
    return Image.open(next(PHOTOS.glob(f"{name}.*"))).convert("RGB")


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return exif


def wide_gamut_profile() -> bytes:
    """A matrix/TRC profile (ICC.1:2001) with ProPhoto's primaries and gamma 1.8: applying it shifts every colour."""

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + fixed(*values)

    white = (0.9642, 1.0, 0.8249)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.8 * 256)) + b"\0\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + bytes(78)
    tags = {
        b"desc": description + bytes(-len(description) % 4),
        b"wtpt": xyz(*white),
        b"rXYZ": xyz(0.7977, 0.2880, 0.0),
        b"gXYZ": xyz(0.1352, 0.7119, 0.0),
        b"bXYZ": xyz(0.0313, 0.0001, 0.8249),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    offset = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", offset + len(data), len(content))
        data += content
    header = struct.pack(">I4sI", offset + len(data), b"none", 0x02100000) + b"mntrRGB XYZ " + bytes(12)
    header += b"acsp" + bytes(28) + fixed(*white)
    return header.ljust(128, b"\0") + table + data


def png_16bit(pixels: np.ndarray) -> bytes:
    """Pillow cannot write 16-bit RGB. `pixels` is uint16[H,W,3]."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def write_jpegs() -> None:
    cat, coffee = photo("chelsea"), photo("coffee")
    cat.save(IMAGES / "progressive.jpg", quality=85, progressive=True)
    coffee.resize((300, 200)).convert("L").save(IMAGES / "grey.jpg", quality=85)
    coffee.resize((300, 200)).convert("CMYK").save(IMAGES / "cmyk.jpg", quality=85)
    coffee.save(IMAGES / "wide-gamut-profile.jpg", quality=80, icc_profile=wide_gamut_profile())
    cat.crop((60, 0, 405, 300)).resize((333, 512)).save(IMAGES / "odd-333x512.jpg", quality=80, subsampling=0)
    photo("astronaut").save(IMAGES / "astronaut-512x512.jpg", quality=80)
    photo("hubble_deep_field").save(IMAGES / "hubble-1000x872.jpg", quality=60)
    photo("retina").save(IMAGES / "retina-1411x1411.jpg", quality=60)
    small = photo("rocket").crop((180, 20, 480, 220)).resize((120, 80))
    for value, undo in ORIENTATIONS.items():
        small.transpose(undo).save(IMAGES / f"orientation-{value}.jpg", quality=85, exif=orientation(value))


def write_pngs() -> None:
    coffee = photo("coffee").resize((240, 160))
    coffee.save(IMAGES / "rgb.png", optimize=True)
    fade = Image.linear_gradient("L").resize(coffee.size)
    rgba = coffee.copy()
    rgba.putalpha(fade)
    rgba.save(IMAGES / "translucent.png", optimize=True)
    grey = coffee.convert("L")
    Image.merge("LA", (grey, fade)).save(IMAGES / "grey-alpha.png", optimize=True)
    coffee.quantize(64).save(IMAGES / "palette-transparent.png", optimize=True, transparency=3)
    photo("chelsea").convert("1").save(IMAGES / "one-bit.png", optimize=True)
    # Dark enough that some of it survives Pillow's conversion of 16-bit grey, which cuts everything above 255.
    dark = (np.asarray(grey).astype(np.uint16) * 3) // 2
    Image.fromarray(dark).save(IMAGES / "grey-16bit.png", optimize=True)
    deep = np.asarray(coffee).astype(np.uint16) * 257
    (IMAGES / "rgb-16bit.png").write_bytes(png_16bit(deep ^ np.arange(240, dtype=np.uint16)[None, :, None]))
    coffee.transpose(ORIENTATIONS[6]).save(IMAGES / "orientation-6.png", optimize=True, exif=orientation(6))

    cat = photo("chelsea")
    cat.resize((75, 50)).save(IMAGES / "small-75x50.png", optimize=True)
    cat.crop((60, 0, 265, 300)).resize((41, 60)).save(IMAGES / "small-41x60.png", optimize=True)
    cat.resize((20, 14)).save(IMAGES / "tiny-20x14.png", optimize=True)
    Image.new("RGB", (1, 1), (200, 30, 90)).save(IMAGES / "pixel-1x1.png")
    cat.resize((1, 500)).save(IMAGES / "line-1x500.png")
    cat.resize((500, 3)).save(IMAGES / "strip-500x3.png")
    cat.resize((3001, 17)).save(IMAGES / "banner-3001x17.png", optimize=True)


def write_others() -> None:
    coffee, rocket, retina = photo("coffee").resize((300, 200)), photo("rocket"), photo("retina")
    rgba = coffee.copy()
    rgba.putalpha(Image.radial_gradient("L").resize(coffee.size))
    rgba.save(IMAGES / "lossy-translucent.webp", quality=75)
    retina.save(IMAGES / "retina-1411x1411.webp", quality=70)
    turned = rocket.resize((320, 213)).transpose(ORIENTATIONS[8])
    turned.save(IMAGES / "orientation-8.webp", quality=75, exif=orientation(8))
    rocket.save(IMAGES / "photo.avif", quality=60)
    frames = [image.resize((200, 150)).quantize(128) for image in (photo("chelsea"), rocket, coffee)]
    frames[0].save(IMAGES / "animated.gif", save_all=True, append_images=frames[1:], duration=100)
    coffee.save(IMAGES / "lzw.tiff", compression="tiff_lzw")
    turned.resize((107, 160)).save(IMAGES / "orientation-8.tiff", compression="tiff_lzw", exif=orientation(8))
    deep = np.asarray(coffee.resize((150, 100))).astype(np.uint16) * 257
    tifffile.imwrite(IMAGES / "rgb-16bit.tiff", deep, photometric="rgb", compression="deflate", metadata=None)
    dark = (np.asarray(coffee.convert("L")).astype(np.uint16) * 3) // 2
    Image.fromarray(dark).save(IMAGES / "grey-16bit.tiff", compression="tiff_lzw")


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    write_jpegs()
    write_pngs()
    write_others()
