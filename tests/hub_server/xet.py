"""Xet storage for the test Hub: hf_xet's own store in a folder, in place of the CAS service.

Clients are given a `local://` address and read and write the store themselves, chunked and
deduplicated as against the real service; the server finds what a commit refers to by its SHA-256.
"""

import struct
import time
from pathlib import Path

RECORD = 48  # bytes of every record of a shard
VERIFIED, WITH_SHA256 = 1 << 31, 1 << 30


def _hex(words):
    """A hash as Xet writes it: four little-endian 64-bit words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", words))


def files_of_shard(data):
    """SHA-256 and Xet hash of every file that a shard describes."""
    at = RECORD  # the shard's header
    while data[at : at + 32] != b"\xff" * 32:
        flags, segments = struct.unpack("<2I", data[at + 32 : at + 40])
        name = _hex(data[at : at + 32])
        at += RECORD * (1 + segments * (2 if flags & VERIFIED else 1))
        if flags & WITH_SHA256:
            yield _hex(data[at : at + 32]), name
            at += RECORD


class XetStore:
    """The store.

    Attributes:
        endpoint: Address for clients.
        tokens: Tokens handed out so far.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.endpoint = f"local://{self.folder}"
        self.tokens = 0

    def token_headers(self):
        self.tokens += 1
        return {
            "X-Xet-Cas-Url": self.endpoint,
            "X-Xet-Access-Token": "xet",
            "X-Xet-Token-Expiration": str(int(time.time()) + 3600),
        }

    def find(self, sha256):
        """The Xet hash of a file; None if it is not stored."""
        for shard in self.folder.glob("**/shards/*.mdb"):
            found = dict(files_of_shard(shard.read_bytes()))
            if sha256 in found:
                return found[sha256]
        return None

    def read(self, name, size):
        """A file's content by its Xet hash."""
        import hf_xet

        target = self.folder / "read" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with hf_xet.XetSession().new_file_download_group(endpoint=self.endpoint) as group:
            group.start_download_file(hf_xet.XetFileInfo(name, size), str(target))
        return target.read_bytes()
