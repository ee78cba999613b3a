#!/usr/bin/env python3
"""Makes the images of this directory, and cases.tsv, which says what each of them decodes to. See README.md.

    python3 make_images.py DIRECTORY

Needs Pillow 10 or newer, and jpegtran (of libjpeg-turbo-progs) on the PATH. One picture is drawn and written in many encodings. Its
pixels as Pillow reads them are the expectation, turned upright and over white; they are stored as PNG, once for each distinct picture.
"""

import io
import pathlib
import struct
import subprocess
import sys
import zlib

from PIL import Image, ImageOps

WIDTH, HEIGHT = 24, 20
EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"


def picture():
    """A picture whose eight orientations differ, with smooth and with sharp parts."""
    image = Image.new("RGB", (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            corner = 200 if x < 8 and y < 6 else 0
            image.putpixel((x, y), (min(255, 8 * x + corner), 12 * y, 255 if (x - 16) ** 2 + (y - 12) ** 2 < 20 else 5 * (x + y)))
    return image


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_alpha(image, kind="RGBA"):
    alpha = Image.new("L", image.size)
    alpha.putdata([(x * 11 + y * 3) % 256 for y in range(image.height) for x in range(image.width)])
    result = image.convert(kind)
    result.putalpha(alpha)
    return result


def exif(orientation, order="II", kind=3):
    """A TIFF structure with one tag. Its value is aligned to the left."""
    mark = "<" if order == "II" else ">"
    value = struct.pack(mark + ("HH" if kind == 3 else "I"), *((orientation, 0) if kind == 3 else (orientation,)))
    return order.encode() + struct.pack(mark + "HIHHHI", 42, 8, 1, 0x0112, kind, 1) + value + bytes(4)


def xmp(orientation, element=False):
    inside = (f"><tiff:Orientation>{orientation}</tiff:Orientation></rdf:Description>" if element
              else f' tiff:Orientation="{orientation}"/>')
    return ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{inside}</rdf:RDF></x:xmpmeta>').encode()


def segment(marker, payload):
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def after_start(jpeg, *segments):
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def before(jpeg, marker, data):
    at = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:at] + data + jpeg[at:]


def without(jpeg, marker):
    at = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]:]


def patched(data, at, new):
    return data[:at] + new + data[at + len(new):]


def jpegtran(jpeg, *options):
    return subprocess.run(["jpegtran", *options], input=jpeg, stdout=subprocess.PIPE, check=True).stdout


def jpegs(image):
    base = saved(image, "JPEG", quality=90, subsampling=0)
    frame = base.index(b"\xff\xc0")
    scan = base.index(b"\xff\xda")
    cmyk = saved(image.convert("CMYK"), "JPEG", quality=95)
    yield "j_base.jpg", base
    yield "j_420.jpg", saved(image, "JPEG", quality=90, subsampling=2)
    yield "j_gray.jpg", saved(image.convert("L"), "JPEG", quality=90)
    yield "j_progressive.jpg", saved(image, "JPEG", quality=90, subsampling=0, progressive=True)
    yield "j_arithmetic.jpg", jpegtran(base, "-arithmetic")
    yield "j_restart.jpg", jpegtran(base, "-restart", "2B")
    yield "j_cmyk.jpg", cmyk
    yield "j_ycck.jpg", patched(cmyk, cmyk.index(b"Adobe") + 11, b"\2")
    yield "j_rgb.jpg", saved(image, "JPEG", quality=90, subsampling=0, keep_rgb=True)
    yield "j_multi_picture.jpg", saved(image, "MPO", quality=90, subsampling=0, save_all=True, append_images=[image.convert("L")])
    yield "j_color_profile.jpg", after_start(base, segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(30)))
    yield "j_sos_ends_at_0.jpg", patched(base, scan + 11, b"\0")
    yield "j_extraneous.jpg", before(base, 0xDB, b"\x11" * 5)
    yield "j_trailing.jpg", base + b"something else" * 2
    for orientation in range(1, 9):
        yield f"j_exif{orientation}.jpg", after_start(base, segment(0xE1, EXIF + exif(orientation, "MM")))
    yield "j_exif6_little.jpg", after_start(base, segment(0xE1, EXIF + exif(6, "II")))
    yield "j_exif6_long_big.jpg", after_start(base, segment(0xE1, EXIF + exif(6, "MM", kind=4)))
    yield "j_exif6_long_little.jpg", after_start(base, segment(0xE1, EXIF + exif(6, "II", kind=4)))
    yield "j_exif6_late.jpg", before(base, 0xC0, segment(0xE1, EXIF + exif(6)))
    exif6 = segment(0xE1, EXIF + exif(6))
    yield "j_exif6_after_garbage.jpg", before(base, 0xDB, b"\x11" * 5 + exif6), after_start(base, exif6)
    yield "j_exif0.jpg", after_start(base, segment(0xE1, EXIF + exif(0)))
    yield "j_exif9.jpg", after_start(base, segment(0xE1, EXIF + exif(9)))
    yield "j_xmp6.jpg", after_start(base, segment(0xE1, XMP + xmp(6)))
    yield "j_xmp6_element.jpg", after_start(base, segment(0xE1, XMP + xmp(6, element=True)))
    yield "j_xmp3_exif6.jpg", after_start(base, segment(0xE1, XMP + xmp(3)), segment(0xE1, EXIF + exif(6)))
    # No decoder that fills the missing part with gray is asked.
    for name, data in (("cut_end_marker", base[:-2]), ("cut10", base[:-10]), ("cut_half", base[:len(base) // 2]),
                       ("12_bits", patched(base, frame + 4, b"\x0c")), ("lossless", patched(base, frame + 1, b"\xc3"))):
        yield f"j_{name}.jpg", data, "IMAGE_DECODE_FAILED"


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def damaged(a_chunk):
    return a_chunk[:-1] + bytes([a_chunk[-1] ^ 1])


def raw_png(width, height, depth, color, rows, *chunks, interlace=0):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) +
            chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9)) + chunk(b"IEND", b""))


def interlaced(image):
    """Adam7. Each pass has rows of its own."""
    rows = []
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, image.height, dy):
            row = b"".join(bytes(image.getpixel((x, y))) for x in range(x0, image.width, dx))
            rows += [row] if row else []
    return raw_png(image.width, image.height, 8, 2, rows, interlace=1)


def pngs(image):
    base = saved(image, "PNG", optimize=True)
    pixels = base.index(b"IDAT") - 4
    rows = [b"".join(bytes(image.getpixel((x, y))) for x in range(WIDTH)) for y in range(HEIGHT)]
    clear = image.convert("RGBA")
    clear.putalpha(0)
    yield "p_base.png", base
    yield "p_gray.png", saved(image.convert("L"), "PNG")
    yield "p_gray_alpha.png", saved(with_alpha(image, "L"), "PNG")
    yield "p_alpha.png", saved(with_alpha(image), "PNG")
    yield "p_transparent.png", saved(clear, "PNG")
    yield "p_1_bit.png", saved(image.convert("1"), "PNG")
    yield "p_palette.png", saved(image.quantize(16), "PNG")
    yield "p_palette_transparent.png", saved(image.quantize(16), "PNG", transparency=bytes(range(0, 256, 16)))
    yield "p_gray_key.png", saved(image.convert("L"), "PNG", transparency=image.convert("L").getpixel((3, 3)))
    yield "p_rgb_key.png", saved(image, "PNG", transparency=image.getpixel((16, 12)))
    yield "p_rgb_16.png", raw_png(WIDTH, HEIGHT, 16, 2, [bytes(b for value in row for b in (value, value)) for row in rows])
    yield "p_interlaced.png", interlaced(image)
    yield "p_gamma.png", before_pixels(base, pixels, chunk(b"gAMA", struct.pack(">I", 100000)))
    yield "p_animated.png", saved(image, "PNG", save_all=True, append_images=[ImageOps.mirror(image)], duration=100)
    yield "p_no_end.png", base[:-12]
    yield "p_end_cut.png", base[:-5]
    yield "p_trailing.png", base + b"something else" * 2
    yield "p_damaged_after.png", base[:-12] + damaged(chunk(b"tEXt", b"k\0v")) + base[-12:]
    for orientation in (1, 2, 4, 6, 8):
        yield f"p_exif{orientation}.png", before_pixels(base, pixels, chunk(b"eXIf", exif(orientation)))
    yield "p_exif6_after.png", base[:-12] + chunk(b"eXIf", exif(6)) + base[-12:]
    yield "p_xmp6.png", before_pixels(base, pixels, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6)))
    yield "p_1x1.png", saved(image.crop((3, 3, 4, 4)), "PNG")
    # Pillow refuses these two, or reads them otherwise. What they show is known.
    yield "p_damaged_text.png", before_pixels(base, pixels, damaged(chunk(b"tEXt", b"k\0v"))), base
    yield "p_text_bomb.png", before_pixels(base, pixels, chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2 << 20), 9))), base
    yield "p_gray_16.png", raw_png(WIDTH, HEIGHT, 16, 0, [bytes(b for value in row[::3] for b in (value, value)) for row in rows]), \
        saved(image.getchannel("R"), "PNG")
    yield "p_cut_pixels.png", base[:len(base) // 2], "IMAGE_DECODE_FAILED"
    yield "p_damaged_pixels.png", patched(base, pixels + 30, bytes([base[pixels + 30] ^ 1])), "IMAGE_DECODE_FAILED"
    yield "p_of_iphone.png", base[:8] + chunk(b"CgBI", b"\x50\0\x20\2") + base[8:], "IMAGE_DECODE_FAILED"
    yield "p_1x20000.png", saved(Image.new("L", (1, 20000)), "PNG"), "IMAGE_TOO_LARGE"


def before_pixels(png, at, data):
    return png[:at] + data + png[at:]


def webps(image):
    base = saved(image, "WEBP", lossless=True)
    mirrored = ImageOps.mirror(image)
    yield "w_lossless.webp", base
    yield "w_lossy.webp", saved(image, "WEBP", quality=80)
    yield "w_alpha.webp", saved(with_alpha(image), "WEBP", lossless=True)
    yield "w_trailing.webp", base + b"something else" * 2
    yield "w_animated.webp", saved(image, "WEBP", lossless=True, save_all=True, append_images=[mirrored], duration=100)
    yield "w_one_frame.webp", framed(image, (0, 0), (WIDTH, HEIGHT))
    yield "w_frame_inside.webp", framed(image.crop((0, 0, 10, 8)), (6, 4), (WIDTH, HEIGHT))
    for orientation in (1, 2, 4, 6, 8):
        yield f"w_exif{orientation}.webp", saved(image, "WEBP", lossless=True, exif=exif(orientation))
    yield "w_exif6_prefix.webp", saved(image, "WEBP", lossless=True, exif=EXIF + exif(6))
    yield "w_xmp6.webp", saved(image, "WEBP", lossless=True, xmp=xmp(6))
    yield "w_cut.webp", base[:-20], "IMAGE_DECODE_FAILED"


def riff(kind, payload):
    return kind + struct.pack("<I", len(payload)) + payload + bytes(len(payload) % 2)


def framed(frame, offset, size):
    """An animation of one frame, which may be a part of the canvas."""
    def number(value):
        return struct.pack("<I", value)[:3]

    bits = saved(frame, "WEBP", lossless=True)[12:]
    placed = b"".join(map(number, (offset[0] // 2, offset[1] // 2, frame.width - 1, frame.height - 1, 100))) + b"\2"
    chunks = (riff(b"VP8X", b"\x12\0\0\0" + number(size[0] - 1) + number(size[1] - 1)) + riff(b"ANIM", bytes(6)) +
              riff(b"ANMF", placed + bits))
    return riff(b"RIFF", b"WEBP" + chunks)


def others(image):
    palette = image.quantize(16)
    yield "g_plain.gif", saved(palette, "GIF", interlace=0)
    yield "g_interlaced.gif", saved(palette, "GIF", interlace=1)
    yield "g_transparent.gif", saved(palette, "GIF", transparency=palette.getpixel((16, 12)))
    yield "g_animated.gif", saved(palette, "GIF", save_all=True, append_images=[ImageOps.mirror(palette)], duration=100)
    yield "g_named.jpg", saved(palette, "GIF")
    yield "g_cut.gif", saved(palette, "GIF")[:-90], "IMAGE_DECODE_FAILED"
    base = saved(image, "BMP")
    yield "b_24.bmp", base
    yield "b_1.bmp", saved(image.convert("1"), "BMP")
    yield "b_8.bmp", saved(image.convert("L"), "BMP")
    yield "b_32.bmp", saved(with_alpha(image), "BMP")
    yield "b_os2.bmp", base[:10] + struct.pack("<IIHHHH", 26, 12, WIDTH, HEIGHT, 1, 24) + base[54:]
    yield "b_cut.bmp", base[:-90], "IMAGE_DECODE_FAILED"
    for name, picture_of_it, options in (
            ("plain", image, {}), ("lzw", image, {"compression": "tiff_lzw"}), ("deflate", image, {"compression": "tiff_adobe_deflate"}),
            ("packbits", image, {"compression": "packbits"}), ("gray", image.convert("L"), {}), ("palette", palette, {}),
            ("alpha", with_alpha(image), {}), ("cmyk", image.convert("CMYK"), {}),
            ("fax", image.convert("1"), {"compression": "group4"}), ("1_bit", image.convert("1"), {}),
            ("pages", image, {"save_all": True, "append_images": [ImageOps.mirror(image)], "compression": "tiff_lzw"})):
        yield f"t_{name}.tif", saved(picture_of_it, "TIFF", **options)
    for orientation in (3, 6):
        yield f"t_orientation{orientation}.tif", saved(image, "TIFF", tiffinfo={274: orientation}, compression="packbits")
    yield "t_cut.tif", saved(image, "TIFF")[:-90], "IMAGE_DECODE_FAILED"
    yield "t_jpeg.tif", saved(image, "TIFF", compression="jpeg"), "UNSUPPORTED_MEDIA"
    yield "o_avif.avif", saved(image, "AVIF", quality=50), "UNSUPPORTED_MEDIA"
    yield "o_heic.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "UNSUPPORTED_MEDIA"
    yield "o_jpeg2000.jp2", saved(image, "JPEG2000", quality_mode="rates", quality_layers=[20]), "UNSUPPORTED_MEDIA"
    yield "o_icon.ico", saved(image, "ICO", sizes=[(16, 16)]), "UNSUPPORTED_MEDIA"
    yield "o_pnm.ppm", saved(image.crop((0, 0, 4, 4)), "PPM"), "UNSUPPORTED_MEDIA"
    yield "o_svg.jpg", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>\n', "UNSUPPORTED_MEDIA"
    yield "o_html.jpg", b"<!DOCTYPE html><html><body>404</body></html>\n", "UNSUPPORTED_MEDIA"
    yield "o_text.png", b"no image\n", "UNSUPPORTED_MEDIA"
    yield "o_empty.jpg", b"", "IMAGE_MISSING"


def over_white(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        white.alpha_composite(image)
        image = white
    return image.convert("RGB")


def main():
    directory = pathlib.Path(sys.argv[1])
    (directory / "want").mkdir(exist_ok=True)
    image = picture()
    lines, names = ["file\texpected\n"], {}
    for name, data, *expected in (case for make in (jpegs, pngs, webps, others) for case in make(image)):
        (directory / name).write_bytes(data)
        want = expected[0] if expected else data
        if isinstance(want, bytes):
            try:
                pixels = over_white(want)
            except Exception as error:
                raise ValueError(name) from error
            want = names.setdefault((pixels.size, pixels.tobytes()), f"want/{pathlib.Path(name).stem}.png")
            (directory / want).write_bytes(saved(pixels, "PNG", optimize=True))
        lines.append(f"{name}\t{want}\n")
    (directory / "cases.tsv").write_text("".join(lines))


if __name__ == "__main__":
    main()
