"""The ZIP package of an XLSX file, checked before anything of it is read."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO
from xml.etree import ElementTree  # nosec B405 # of what was seen to have no DOCTYPE

from reelsense.errors import InputError

# What a password-protected XLSX file, and the XLS of before 2007, begin with.
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_MOST_PARTS = 5000
_MOST_DIRECTORY = 4_000_000
_MOST_TYPES = 2_000_000
# Parts that are kept in memory: the texts of the cells, and all others together that are no sheets.
_MOST_STRINGS = 600_000_000
_MOST_WHOLE = 32_000_000
_HEAD = 4096
# As the format has them: others may ask for gigabytes of memory before they unpack a byte.
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_TAIL = 65_536 + 22 + 20 + 56
# No DOCTYPE before the first element: entities could grow to any size.
_XML = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<")
_PLAIN_XML = re.compile(
    _XML.pattern[:-1] + rb"(?:<\?(?:(?!\?>).)*\?>\s*|<!--(?:(?!-->).)*-->\s*)*<[A-Za-z_]", re.DOTALL
)


def check_package(path: Path) -> int:
    """The bytes an XLSX file unpacks to. Raises InputError for an encrypted, broken or overgrown one."""
    if not path.is_file():
        raise InputError(f"'{path}' does not exist." if not path.exists() else f"'{path}' is not a file.")
    try:
        with path.open("rb") as file:
            if file.read(len(_OLE)) == _OLE:
                raise InputError(
                    f"'{path.name}' is encrypted, or an XLS file: save it as XLSX without a password, or as CSV."
                )
            _check_directory(path, file)
            with zipfile.ZipFile(file) as archive:
                return _check_parts(path, archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, SyntaxError) as error:
        raise InputError(f"'{path.name}' is not a readable XLSX file: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # an unknown compression, a ZIP password
        raise InputError(f"'{path.name}' is packed in a way XLSX files are not: {error}") from error


def _check_directory(path: Path, file: BinaryIO) -> None:
    """Of a directory of millions of files, each entry would take memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    for found in re.finditer(rb"PK\x05\x06", tail):
        at = found.start()
        claims = [unpack_from("<I", tail, at + 12)[0]] if at + 16 <= len(tail) else []
        if at >= 76 and tail[at - 76 : at - 72] == b"PK\x06\x06":
            claims = [unpack_from("<Q", tail, at - 76 + 40)[0]]
        if any(claim > _MOST_DIRECTORY for claim in claims):
            raise InputError(f"'{path.name}' has more parts than an XLSX file has.")
    file.seek(0)


def _check_parts(path: Path, archive: zipfile.ZipFile) -> int:
    parts = archive.infolist()
    if len(parts) > _MOST_PARTS:
        raise InputError(f"'{path.name}' has {len(parts):,} parts; an XLSX file of at most {_MOST_PARTS:,} is read.")
    if any(part.compress_type not in _PACKED for part in parts):
        raise NotImplementedError("another compression than DEFLATE")
    sheets, strings = _streamed(archive)
    if not sheets:
        raise InputError(f"'{path.name}' is not a readable XLSX file: it has no sheets.")
    kept = {"strings": 0, "others": 0}
    for part in parts:
        with archive.open(part) as file:
            head = file.read(_HEAD).replace(b"\0", b"")
        if not _XML.match(head):
            continue  # a picture; whatever its name, nothing can be read of it
        if not _PLAIN_XML.match(head):
            raise InputError(f"'{path.name}' is not a readable XLSX file: '{part.filename}' is no plain XML.")
        if part.filename not in sheets:
            kept["strings" if part.filename in strings else "others"] += part.file_size
    if kept["strings"] > _MOST_STRINGS or kept["others"] > _MOST_WHOLE:
        raise InputError(f"'{path.name}' holds more than is read of an XLSX file: save it as CSV, or in parts.")
    return sum(part.file_size for part in parts)


def _streamed(archive: zipfile.ZipFile) -> tuple[set[str], set[str]]:
    """The parts that are sheets, and that hold the texts of cells; what is also something else is neither."""
    name = "[Content_Types].xml"
    if archive.getinfo(name).file_size > _MOST_TYPES:
        raise ValueError(f"'{name}' is too long")
    content = archive.read(name)
    if not _PLAIN_XML.match(content[:_HEAD].replace(b"\0", b"")):
        raise ValueError(f"'{name}' is no plain XML")
    kinds: dict[str, set[str]] = {}
    for element in ElementTree.fromstring(content):  # nosec B314 # noqa: S314 - without a DOCTYPE there are no entities
        part, kind = element.get("PartName"), element.get("ContentType")
        if part and kind:
            kinds.setdefault(part.removeprefix("/"), set()).add(kind.rpartition(".")[2])
    sheets = {part for part, found in kinds.items() if found == {"worksheet+xml"}}
    return sheets, {part for part, found in kinds.items() if found == {"sharedStrings+xml"}}
