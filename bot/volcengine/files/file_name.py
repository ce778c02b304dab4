"""What a browser calls a file that it keeps: a name in which nothing is live, in the form of a header."""

from urllib.parse import quote

_OTHERWISE = "recording"
# Together with the escapes of its address a name may take five times as much: Slack's buttons hold 3,000 characters.
_LONGEST_IN_BYTES = 100
# Signs with a meaning in a path, a header, a shell or a browser's reading of a name.
_LIVE = frozenset("/\\:*?\"'<>|%;$`&")


def download_name(key: str) -> str:
    """The last part of an object key, made inert; controls and marks of direction are gone too."""
    name = "".join(c if c.isprintable() and c not in _LIVE else "_" for c in key.rpartition("/")[2])
    return _shortened(name.strip(" .")) or _OTHERWISE


def _shortened(name: str) -> str:
    """Cut in the middle of what stands before the ending, so that the ending stays."""
    if len(name.encode()) <= _LONGEST_IN_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > _LONGEST_IN_BYTES // 4:
        stem, dot, ending = name, "", ""
    room = _LONGEST_IN_BYTES - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + ending


def disposition(name: str) -> str:
    """The value of Content-Disposition that shows a file in the browser and names it when it is kept (RFC 6266)."""
    plain = "".join(c if c.isascii() else "_" for c in name)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
