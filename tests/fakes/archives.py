"""Archives byte by byte, so that they can say what no honest program writes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

BLOCK = 512
END = bytes(2 * BLOCK)


def padded(data):
    """The data of a tar member up to the next block."""
    return data + bytes(-len(data) % BLOCK)


def header(
    name="f", *, kind=b"0", size=0, mode=0o644, target=b"", magic=b"ustar\0" + b"00", prefix=b"", size_field=None
):
    """One tar header with a right checksum; names are text or bytes."""
    raw = name.encode() if isinstance(name, str) else name
    number = size_field or b"%011o\0" % size
    block = raw[:100].ljust(100, b"\0") + b"%07o\0" % mode + b"0000000\0" * 2 + number + b"0" * 11 + b"\0"
    block += (
        b" " * 8 + kind + target.ljust(100, b"\0") + magic + bytes(64) + b"0000000\0" * 2 + prefix.ljust(155, b"\0")
    )
    block = block.ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def member(name, data=b"", **fields):
    """A whole member: header, content, padding."""
    return header(name, size=len(data), **fields) + padded(data)


def link(name, target, **fields):
    """A symbolic link."""
    return header(name, kind=b"2", target=target.encode() if isinstance(target, str) else target, **fields)


def hard_link(name, target):
    """A hard link."""
    return header(name, kind=b"1", target=target.encode())


def pax(*records, kind=b"x"):
    """An extended header of (key, value) pairs of bytes."""
    return member("pax", b"".join(record(*each) for each in records), kind=kind)


def record(key, value):
    """One record of an extended header, its own length included."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def gnu_long(name, kind=b"L"):
    """GNU's way to give a long name."""
    return member("././@LongLink", name.encode() + b"\0", kind=kind)


def tar(*members, end=END):
    """A whole tar file."""
    return b"".join(members) + end


def zipped(*entries, comment=b""):
    """A zip file of (name or ZipInfo, content) pairs."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
        file.comment = comment
    return stream.getvalue()


def zip_info(name, mode=0o100644):
    """A member with Unix bits: a link is 0o120777."""
    info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def deb(data, *, parts=None):
    """A Debian package whose files are the tar file `data`."""
    parts = parts or [
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", gzip.compress(tar(), mtime=0)),
        ("data.tar.gz", gzip.compress(data, mtime=0)),
    ]
    text = b"!<arch>\n"
    for name, content in parts:
        text += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        text += content + b"\n" * (len(content) % 2)
    return text


def honest_tar(files, *, form=tarfile.PAX_FORMAT):
    """A tar file as the standard library writes it: name → content; a name that ends in `/` is a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o755 if "/bin/" in f"/{name}" else 0o644
            if name.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            file.addfile(info, io.BytesIO(content))
    return stream.getvalue()
