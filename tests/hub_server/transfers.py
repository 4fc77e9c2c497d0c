"""How files come to the test Hub and leave it: preupload, LFS, commits, and resolve with Range."""

import base64
import json
import re

from starlette.responses import JSONResponse, Response

from tests.hub_server.cards import validate_card
from tests.hub_server.store import LFS_SUFFIXES, Blob


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status, message="", code=None, **extra):
        self.status = status
        self.headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self.extra = {"error": message, **extra}


class Transfers:
    """The part of `HubApi` that sends and receives files."""

    async def _preupload(self, request, repo, revision):
        files = self._at(repo, revision).files
        answers = []
        for record in json.loads(await self.read(request))["files"]:
            path, sample = record["path"], base64.b64decode(record["sample"])
            suffix = "." + path.rpartition(".")[2]
            lfs = suffix in LFS_SUFFIXES or record["size"] > 10_000_000 or b"\0" in sample
            answer = {"path": path, "uploadMode": "lfs" if lfs else "regular"}
            answer["shouldIgnore"] = False
            if path in files:
                answer["oid"] = files[path].etag
            answers.append(answer)
        return JSONResponse({"files": answers, "commitOid": self._at(repo, revision).oid})

    async def _lfs_batch(self, request, kind, name):
        repo = self._find(request, kind, name, write=True)
        answers = []
        for record in json.loads(await self.read(request))["objects"]:
            answer = {"oid": record["oid"], "size": record["size"]}
            if record["oid"] not in repo.objects:
                href = f"{self.url}/lfs/{kind}/{name}/{record['oid']}"
                answer["actions"] = {"upload": {"href": href}}
            answers.append(answer)
        return JSONResponse({"transfer": "basic", "objects": answers})

    async def _receive_object(self, request, kind, owner, name, oid):
        repo = self.repos[kind, f"{owner}/{name}"]
        data = await self.read(request)
        if Blob(data).sha256 != oid:
            raise Refusal(400, "the content does not match its hash")
        repo.objects[oid] = data
        repo.completed[oid] += 1
        return Response(headers={"ETag": oid})

    async def _commit(self, request, repo, revision):
        revision = revision.removeprefix("refs/heads/")
        if revision not in repo.branches:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        lines = [json.loads(line) for line in (await self.read(request)).splitlines() if line]
        parent, message, files = repo.branches[revision], "", dict(repo.head(revision))
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                message = value["summary"]
                if value.get("parentCommit", parent) != parent:
                    raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            elif line["key"] == "file":
                files[value["path"]] = Blob(base64.b64decode(value["content"]))
            elif line["key"] == "lfsFile":
                files[value["path"]] = self._stored(repo, value)
            elif line["key"] == "deletedFile":
                if files.pop(value["path"], None) is None:
                    raise Refusal(404, f"{value['path']} does not exist", "EntryNotFound")
            elif line["key"] == "deletedFolder":
                folder = value["path"].rstrip("/") + "/"
                files = {path: blob for path, blob in files.items() if not path.startswith(folder)}
        if "README.md" in files and (
            errors := validate_card(files["README.md"].data.decode(), repo.kind.rstrip("s"))
        ):
            raise Refusal(400, "; ".join(errors))
        oid = repo.branches[revision] = repo.add_commit(parent, message, files)
        url = f"{self.url}/{repo.url_prefix}{repo.name}/commit/{oid}"
        return JSONResponse({"success": True, "commitOid": oid, "commitUrl": url})

    def _stored(self, repo, value):
        """The large file that a commit refers to, from LFS or from Xet."""
        if value["oid"] in repo.objects:
            return Blob(repo.objects[value["oid"]], lfs=True)
        name = self.xet.find(value["oid"]) if self.xet else None
        if name is None:
            raise Refusal(400, f"LFS object of {value['path']} is missing")
        return Blob(self.xet.read(name, value["size"]), lfs=True, xet=name)

    def _xet_token(self):
        headers = self.xet.token_headers()
        names = ("casUrl", "accessToken", "exp")
        content = dict(zip(names, headers.values(), strict=True))
        return JSONResponse(content | {"exp": int(content["exp"])}, headers=headers)

    def _resolve(self, request, kind, name, revision, path):
        commit = self._at(self._find(request, kind, name), revision)
        blob = commit.files.get(path)
        if blob is None:
            refusal = Refusal(404, "Entry not found", "EntryNotFound")
            refusal.headers["X-Repo-Commit"] = commit.oid
            raise refusal
        headers = {
            "X-Repo-Commit": commit.oid,
            "ETag": f'"{blob.etag}"',
            "Accept-Ranges": "bytes",
            "Content-Disposition": f'inline; filename="{path.rpartition("/")[2]}"',
        }
        if blob.lfs:
            headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.data))}
        if blob.xet:
            route = f"{self.url}/api/{kind}/{name}/xet-read-token/{commit.oid}"
            headers |= {"X-Xet-Hash": blob.xet, "X-Xet-Refresh-Route": route}
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        if not asked:
            return Response(blob.data, headers=headers, media_type="application/octet-stream")
        size = len(blob.data)
        if asked[1]:
            start, stop = int(asked[1]), min(int(asked[2] or size - 1) + 1, size)
        else:
            start, stop = max(size - int(asked[2]), 0), size
        if start >= stop:
            raise Refusal(416, f"Range not satisfiable in {size} bytes")
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        return Response(blob.data[start:stop], 206, headers, "application/octet-stream")
