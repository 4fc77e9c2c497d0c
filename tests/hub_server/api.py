"""The calls that a Hub answers, over repositories in memory."""

import json
from urllib.parse import parse_qs

from starlette.responses import JSONResponse

from tests.hub_server.cards import validate_card
from tests.hub_server.store import Repo
from tests.hub_server.transfers import Refusal, Transfers

KINDS = {"model": "models", "dataset": "datasets", "space": "spaces"}


class HubApi(Transfers):
    """Routes, without a server around them.

    Args:
        url: Where the server answers.
        tokens: User of each token.
        xet: An `XetStore`, or None for LFS alone.
    """

    def __init__(self, url, tokens, xet=None):
        self.url = url
        self.tokens = tokens
        self.xet = xet
        self.repos: dict[tuple[str, str], Repo] = {}

    async def read(self, request, limit=None):
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            request.state.received += len(chunk)
            if limit is not None and len(data) >= limit:
                break
        return bytes(data)

    def _user(self, request):
        """Who asks; None for nobody."""
        authorization = request.headers.get("authorization", "")
        if not authorization:
            return None
        user = self.tokens.get(authorization.removeprefix("Bearer "))
        if user is None:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return user

    def _find(self, request, kind, name, write=False):
        user = self._user(request)
        repo = self.repos.get((kind, name))
        if repo is None or (repo.private and user is None):
            raise Refusal(404 if user else 401, "Repository not found", "RepoNotFound")
        if write and user != name.split("/")[0]:
            raise Refusal(403 if user else 401, "You have no write access to this repository")
        return repo

    def _at(self, repo, revision):
        commit = repo.find(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    async def route(self, request, parts):
        if parts[0] == "lfs":
            return await self._receive_object(request, *parts[1:])
        if parts[0] == "api":
            return await self._api(request, parts[1:])
        kind = parts.pop(0) if parts[0] in ("datasets", "spaces") else "models"
        if len(parts) >= 5 and parts[2] in ("resolve", "raw"):
            return self._resolve(request, kind, "/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        if parts[2:] == ["info", "lfs", "objects", "batch"]:
            name = "/".join(parts[:2]).removesuffix(".git")
            return await self._lfs_batch(request, kind, name)
        raise Refusal(404, "no such page")

    async def _api(self, request, parts):
        if parts == ["whoami-v2"]:
            user = self._user(request)
            if user is None:
                raise Refusal(401, "Invalid credentials in Authorization header")
            return JSONResponse({"type": "user", "name": user, "orgs": [], "auth": {}})
        if parts == ["repos", "create"]:
            return await self._create(request)
        if parts == ["repos", "delete"]:
            record = json.loads(await self.read(request))
            name = f"{record.get('organization') or self._user(request)}/{record['name']}"
            kind = KINDS[record.get("type") or "model"]
            self._find(request, kind, name, write=True)
            del self.repos[kind, name]
            return JSONResponse({})
        if parts == ["validate-yaml"]:
            record = json.loads(await self.read(request))
            errors = validate_card(record["content"], record["repoType"])
            answer = {"errors": [{"message": error} for error in errors], "warnings": []}
            return JSONResponse(answer, 400 if errors else 200)
        kind, name, (verb, *rest) = parts[0], "/".join(parts[1:3]), parts[3:] or ["info"]
        if verb in ("info", "revision"):
            repo = self._find(request, kind, name)
            commit = self._at(repo, rest[0] if rest else "main")
            sized = request.query_params.get("blobs") in ("True", "true")
            return JSONResponse(self._info(repo, commit, sized))
        if verb == "tree":
            return self._tree(request, kind, name, *rest)
        if verb == "paths-info":
            commit = self._at(self._find(request, kind, name), rest[0])
            form = parse_qs((await self.read(request)).decode())
            paths = form.get("paths", [])
            return JSONResponse([entry for path in paths for entry in commit.entries(path)])
        if verb == "refs":
            repo = self._find(request, kind, name)
            return JSONResponse(
                {
                    "branches": _refs(repo.branches, "heads"),
                    "tags": _refs(repo.tags, "tags"),
                    "converts": [],
                }
            )
        if verb == "commits":
            repo = self._find(request, kind, name)
            self._at(repo, rest[0])
            now = {"authors": [], "date": "2026-01-01T00:00:00.000Z", "message": ""}
            history = repo.history(rest[0])
            return JSONResponse([{"id": c.oid, "title": c.message, **now} for c in history])
        if verb in ("xet-read-token", "xet-write-token") and self.xet:
            self._find(request, kind, name, write=verb == "xet-write-token")
            return self._xet_token()
        repo = self._find(request, kind, name, write=True)
        if verb == "preupload":
            return await self._preupload(request, repo, rest[0])
        if verb == "commit":
            return await self._commit(request, repo, rest[0])
        if verb in ("branch", "tag"):
            return await self._ref(request, repo, verb, rest[0])
        if verb == "variables":
            record = json.loads(await self.read(request))
            repo.variables[record["key"]] = record["value"]
            return JSONResponse(
                {key: {"key": key, "value": v} for key, v in repo.variables.items()}
            )
        if verb == "settings":
            repo.private = json.loads(await self.read(request)).get("private", repo.private)
            return JSONResponse({"private": repo.private})
        raise Refusal(404, f"no such call: {verb}")

    # Repositories -----------------------------------------------------------------------------

    async def _create(self, request):
        record = json.loads(await self.read(request))
        user = self._user(request)
        owner = record.get("organization") or user
        kind = KINDS[record.get("type") or "model"]
        name = f"{owner}/{record['name']}"
        repo = Repo(kind, name, sdk=record.get("sdk"))
        repo.private = record.get("private") or record.get("visibility") == "private"
        url = f"{self.url}/{repo.url_prefix}{name}"
        if user is None or user != owner:
            raise Refusal(403 if user else 401, f"You have no write access to {owner}")
        if kind == "spaces" and not repo.sdk:
            raise Refusal(400, "A Space needs an sdk")
        if (kind, name) in self.repos:
            raise Refusal(409, "You already created this repo", url=url)
        self.repos[kind, name] = repo
        return JSONResponse({"url": url, "name": name})

    def _info(self, repo, commit, sized=False):
        return {
            "id": repo.name,
            "sha": commit.oid,
            "private": bool(repo.private),
            "lastModified": "2026-01-01T00:00:00.000Z",
            "tags": [],
            "sdk": repo.sdk,
            "siblings": [
                {"rfilename": path, "size": len(commit.files[path].data)}
                if sized
                else {"rfilename": path}
                for path in sorted(commit.files)
            ],
        }

    def _tree(self, request, kind, name, revision, *path):
        commit = self._at(self._find(request, kind, name), revision)
        folder = "/".join(path).strip("/")
        entries = commit.listing(folder, request.query_params.get("recursive") in ("True", "true"))
        if folder and not entries:
            raise Refusal(404, f"{folder} does not exist on {revision}", "EntryNotFound")
        return JSONResponse(entries)

    async def _ref(self, request, repo, verb, name):
        record = json.loads(await self.read(request) or b"{}")
        if verb == "branch":
            start, names = record.get("startingPoint", "main"), repo.branches
        else:
            start, name, names = name, record["tag"], repo.tags
        if name in names:
            raise Refusal(409, f"{verb} {name} exists already")
        names[name] = self._at(repo, start).oid
        return JSONResponse({})


def _refs(names, kind):
    return [
        {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid}
        for name, oid in names.items()
    ]
