"""A bucket on this machine: the part of Google Cloud Storage's JSON API that gcsfs, TensorStore and orbax speak.

Objects are whole: there is no append and no rename. A request for what a bucket cannot do in one piece (rewrite, copy,
compose), or for anything else that is not known here, is answered with an error and remembered.
"""

import contextlib
import email
import hashlib
import json
import re
import threading
import urllib.parse
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Bucket", "serve"]


class Bucket:
    """The objects by name, the names of all uploads in turn, and what was asked that a bucket cannot do.

    `refuse_writes` holds a regular expression: uploads to names in which it is found are answered 403.
    """

    def __init__(self):
        self.objects: dict[str, tuple[bytes, int]] = {}  # content, generation
        self.refused: list[str] = []
        self.uploads: list[str] = []
        self.unfinished: dict[str, tuple[str, bytes]] = {}  # resumable uploads: name, content so far
        self.refuse_writes = ""
        self.address = ""
        self._lock = threading.Lock()

    def environment(self) -> dict[str, str]:
        """What makes the three libraries talk to this bucket and to nobody else."""
        return {
            "STORAGE_EMULATOR_HOST": self.address,
            "TENSORSTORE_GCS_HTTP_URL": self.address,
            "GOOGLE_AUTH_TOKEN_FOR_TESTING": "none",
            "GCE_METADATA_HOST": "127.0.0.1:1",
            "GCE_METADATA_ROOT": "127.0.0.1:1",
            "NO_GCE_CHECK": "true",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
            "GOOGLE_CLOUD_PROJECT": "nobody",
        }

    def put(self, name: str, content: bytes, expected: str | None) -> dict | None:
        """Store an object, or None if its generation is not the expected one."""
        with self._lock:
            generation = self.objects.get(name, (b"", 0))[1]
            if expected is not None and int(expected) != generation:
                return None
            self.objects[name] = (content, max((g for _, g in self.objects.values()), default=0) + 1)
            self.uploads.append(name)
            return self.about(name)

    def about(self, name: str) -> dict:
        content, generation = self.objects[name]
        return {
            "kind": "storage#object",
            "bucket": "bucket",
            "name": name,
            "id": f"bucket/{name}/{generation}",
            "size": str(len(content)),
            "generation": str(generation),
            "metageneration": "1",
            "md5Hash": b64encode(hashlib.md5(content).digest()).decode(),
            "timeCreated": "2020-01-01T00:00:00.000Z",
            "updated": "2020-01-01T00:00:00.000Z",
            "storageClass": "STANDARD",
        }

    def listing(self, query: dict[str, str]) -> dict:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        items, prefixes = [], set()
        for name in sorted(self.objects):
            if not name.startswith(prefix) or name < query.get("startOffset", ""):
                continue
            if query.get("endOffset") and name >= query["endOffset"]:
                continue
            inner = name[len(prefix) :]
            if delimiter and delimiter in inner:
                prefixes.add(prefix + inner[: inner.index(delimiter) + 1])
            else:
                items.append(self.about(name))
        return {"kind": "storage#objects", "items": items, "prefixes": sorted(prefixes)}


@contextlib.contextmanager
def serve() -> Iterator[Bucket]:
    """A bucket named `bucket` on a free port, until the block ends."""
    bucket = Bucket()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"bucket": bucket}))
    server.daemon_threads = True
    bucket.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bucket: Bucket

    def handle(self):
        with contextlib.suppress(ConnectionError):  # gcsfs asks in two ways and leaves when the faster one is answered
            super().handle()

    def do_GET(self):
        path, query = self._address()
        if re.match(r"/storage/v1/b/(?!bucket(/|$))", path):
            return self._say({"error": {"code": 404, "message": "The specified bucket does not exist."}}, 404)
        if path == "/storage/v1/b/bucket":
            return self._say({"kind": "storage#bucket", "name": "bucket", "id": "bucket"})
        if path == "/storage/v1/b/bucket/o":
            return self._say(self.bucket.listing(query))
        name = self._object(path)
        if name is None:
            return self._refuse(path)
        if name not in self.bucket.objects:
            return self._say({"error": {"code": 404, "message": f"no object {name}"}}, 404)
        if query.get("alt") != "media":
            return self._say(self.bucket.about(name))
        return self._content(*self.bucket.objects[name], query)

    def do_POST(self):
        path, query = self._address()
        body = self._body()
        if re.match(r"/upload/storage/v1/b/(?!bucket/)", path):
            return self._say({"error": {"code": 404, "message": "The specified bucket does not exist."}}, 404)
        if path != "/upload/storage/v1/b/bucket/o":
            return self._refuse(path)
        if "upload" in query:
            return self._go_on(query["upload"], body)
        if query["uploadType"] == "resumable":
            return self._begin(json.loads(body)["name"])
        if query["uploadType"] == "multipart":
            about, content = _parts(self.headers["Content-Type"], body)
            name = json.loads(about)["name"]
        elif query["uploadType"] == "media":
            name, content = query["name"], body
        else:
            return self._refuse(f"{path} {query}")
        return self._store(name, content, query.get("ifGenerationMatch"))

    def do_DELETE(self):
        path, query = self._address()
        name = self._object(path)
        if name is None:
            return self._refuse(path)
        if query.get("ifGenerationMatch", "") not in ("", str(self.bucket.objects.get(name, (b"", 0))[1])):
            return self._say({"error": {"code": 412, "message": "another generation"}}, 412)
        if self.bucket.objects.pop(name, None) is None:
            return self._say({"error": {"code": 404, "message": f"no object {name}"}}, 404)
        return self._answer(b"", 204)

    def log_message(self, *_):
        pass

    def _begin(self, name: str) -> None:
        upload = f"{len(self.bucket.unfinished)}-{name}"
        self.bucket.unfinished[upload] = (name, b"")
        where = f"{self.bucket.address}/upload/storage/v1/b/bucket/o?upload={urllib.parse.quote(upload, safe='')}"
        self._answer(b"", 200, {"Location": where})

    def _go_on(self, upload: str, body: bytes) -> None:
        """Take one more part of a resumable upload: the object is there when the last part is."""
        name, content = self.bucket.unfinished[upload]
        content += body
        self.bucket.unfinished[upload] = (name, content)
        total = self.headers["Content-Range"].rpartition("/")[2]
        if total == "*" or int(total) > len(content):
            return self._answer(b"", 308, {"Range": f"bytes=0-{len(content) - 1}"})
        return self._store(name, content)

    def _store(self, name: str, content: bytes, expected: str | None = None) -> None:
        if self.bucket.refuse_writes and re.search(self.bucket.refuse_writes, name):
            return self._say({"error": {"code": 403, "message": "the quota is used up"}}, 403)
        stored = self.bucket.put(name, content, expected)
        if stored is None:
            return self._say({"error": {"code": 412, "message": "another generation"}}, 412)
        return self._say(stored)

    def _address(self) -> tuple[str, dict[str, str]]:
        parts = urllib.parse.urlsplit(self.path)
        return parts.path, dict(urllib.parse.parse_qsl(parts.query))

    def _object(self, path: str) -> str | None:
        found = re.fullmatch(r"(?:/download)?/storage/v1/b/bucket/o/([^/]+)", path)
        return urllib.parse.unquote(found[1]) if found else None

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _content(self, content: bytes, generation: int, query: dict[str, str]) -> None:
        about = {"x-goog-generation": str(generation), "ETag": f'"{generation}"'}
        if query.get("ifGenerationNotMatch") == str(generation):
            return self._answer(b"", 304, about)
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            return self._answer(content, 200, about)
        size = len(content)
        if wanted[1]:
            first, last = int(wanted[1]), min(size - 1, int(wanted[2] or size))
        else:
            first, last = max(0, size - int(wanted[2])), size - 1
        if first >= size:
            return self._answer(b"", 416, {"Content-Range": f"bytes */{size}"})
        return self._answer(content[first : last + 1], 206, {**about, "Content-Range": f"bytes {first}-{last}/{size}"})

    def _say(self, data: dict, code: int = 200) -> None:
        self._answer(json.dumps(data).encode(), code, {"Content-Type": "application/json"})

    def _refuse(self, what: str) -> None:
        self.bucket.refused.append(f"{self.command} {what}")
        self._say({"error": {"code": 400, "message": f"this bucket cannot {self.command} {what}"}}, 400)

    def _answer(self, body: bytes, code: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if code not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _parts(content_type: str, body: bytes) -> tuple[bytes, bytes]:
    """The description and the content of a multipart upload."""
    boundary = email.message_from_string(f"Content-Type: {content_type}\n\n").get_boundary().encode()
    _, about, content, _ = re.split(rb"\r?\n?--" + re.escape(boundary), body, maxsplit=3)
    return tuple(re.split(rb"\r?\n\r?\n", part, maxsplit=1)[1] for part in (about, content))
