"""The Web API's door: who calls, with which arguments, what is said to them, and what was arranged to go wrong."""

import hmac
import json
from dataclasses import dataclass

from aiohttp import web

from bot.playground.slack.conversations import check_scope
from bot.playground.slack.faults import Fault, Faults, rate_limited
from bot.playground.slack.handles import Desk, Handles
from bot.playground.slack.limits import Turnstile
from bot.playground.slack.memory import World
from bot.playground.slack.methods import METHODS, Method
from bot.playground.slack.world import Call, Json, Refused, dm_id

# Arguments that are JSON, also within a form.
_STRUCTURED = {"blocks", "view", "metadata", "message"}
_NOT_JSON = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
# The token in its older place; the team that slack_sdk names in all calls of Bolt's listeners, without effect for a
# token of one workspace.
_EVERYWHERE = frozenset({"token", "team_id"})
BODY_MAY_HAVE = 1_000_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """The credentials that the stand-in made up, or was given."""

    bot: str
    app: str

    def kind_of(self, token: str) -> str:
        """bot, app, none or wrong."""
        if not token:
            return "none"
        for kind, known in (("bot", self.bot), ("app", self.app)):
            if hmac.compare_digest(token.encode(), known.encode()):
                return kind
        return "wrong"


class WebApi:
    """Answers /api/<method>, and the response URLs."""

    def __init__(self, desk: Desk, tokens: Tokens, faults: Faults, turnstile: Turnstile) -> None:
        self._desk = desk
        self._tokens = tokens
        self._faults = faults
        self._turnstile = turnstile

    @property
    def _world(self) -> World:
        return self._desk.world

    @property
    def _handles(self) -> Handles:
        return self._desk.handles

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call of a method."""
        call = Call(request.match_info["method"], {}, "none")
        self._world.calls.append(call)
        try:
            await self._read(request, call)
        except Refused as refusal:
            call.answer = {"ok": False, "error": refusal.error}
            return self._respond(call)
        fault = self._faults.take(call.method)
        if fault is None:
            return self._perform(call)
        if fault.spoils:
            return self._perform_spoilt(call, fault)
        if fault.comes_after:
            answer = self._perform(call)
            return await self._commit(fault, request, call) or answer
        return await self._commit(fault, request, call) or self._perform(call)

    def _perform_spoilt(self, call: Call, fault: Fault) -> web.Response:
        """What was asked for is done, and told incompletely."""
        answer = self._perform(call)
        if not call.answer or not call.answer["ok"]:
            return answer
        self._world.note("stand-in", "fault", f"{call.method}: {fault.kind}")
        call.answer = fault.spoil(call.answer)
        return self._respond(call)

    async def _commit(self, fault: Fault, request: web.Request, call: Call) -> web.StreamResponse | None:
        self._world.note("stand-in", "fault", f"{call.method}: {fault.kind}")
        if fault.error:
            call.answer = {"ok": False, "error": fault.error}
            return self._respond(call)
        return await fault.commit(request)

    def _perform(self, call: Call) -> web.Response:
        wait = self._seconds_to_wait(call)
        call.answer = {"ok": False, "error": "ratelimited"} if wait else self._carry_out(call)
        summary = "ok" if call.answer["ok"] else call.answer["error"]
        detail = {"arguments": call.arguments, "answer": call.answer}
        self._world.note("from bot", call.method, f"{_short(call.arguments)} → {summary}", detail)
        return rate_limited(wait) if wait else self._respond(call)

    def _seconds_to_wait(self, call: Call) -> int:
        """Whose token is not taken does not use up anything."""
        if call.token != "bot" or self._world.token_error:  # noqa: S105 the kind of token
            return 0
        named = str(call.arguments.get("channel"))
        channel = dm_id(named) if named in self._world.people else named
        return self._turnstile.seconds_to_wait(call.method, channel)

    def _respond(self, call: Call) -> web.Response:
        headers = {"X-OAuth-Scopes": ",".join(sorted(self._world.scopes))} if call.token == "bot" else {}  # noqa: S105
        return web.json_response(call.answer, headers=headers)

    async def _read(self, request: web.Request, call: Call) -> None:
        given = await _read_arguments(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        call.token = self._tokens.kind_of(token if scheme == "Bearer" else str(given.get("token", "")))
        left_out = _EVERYWHERE - _named_by(call.method)
        call.arguments = {name: value for name, value in given.items() if name not in left_out}

    def _carry_out(self, call: Call) -> Json:
        try:
            method = self._known(call)
            self._check_token(method, call.token)
            self._check_arguments(method, call)
            if method.scope:
                check_scope(self._world, method.scope)
            return {"ok": True, **method.perform(self._desk, call.arguments)}
        except Refused as refusal:
            return {"ok": False, "error": refusal.error, **refusal.details}
        except ValueError:  # what should be a number is none
            return {"ok": False, "error": "invalid_arguments"}

    def _known(self, call: Call) -> Method:
        if call.method not in METHODS:
            self._world.complain(f"unknown method {call.method}")
            raise Refused("unknown_method", req_method=call.method)
        return METHODS[call.method]

    def _check_token(self, method: Method, kind: str) -> None:
        if method.token is None:
            return
        if kind == "none":
            raise Refused("not_authed")
        if kind == "wrong":
            raise Refused("invalid_auth")
        if kind == "bot" and self._world.token_error:
            raise Refused(self._world.token_error)
        if kind != method.token:
            raise Refused("not_allowed_token_type")

    def _check_arguments(self, method: Method, call: Call) -> None:
        unknown = call.arguments.keys() - {*method.required, *method.optional}
        if unknown and not method.takes_all:
            self._world.complain(f"{call.method}: unknown argument {', '.join(sorted(unknown))}")
            raise Refused("stand_in_unknown_argument")
        missing = [name for name in method.required if call.arguments.get(name) in (None, "")]
        if missing:
            messages = [f"[ERROR] missing required field: {name}" for name in missing]
            raise Refused("invalid_arguments", response_metadata={"messages": messages})

    async def answer_hook(self, request: web.Request) -> web.StreamResponse:
        """One use of a response URL."""
        fault = self._faults.take("response_url")
        if fault and fault.error:
            return _refuse_hook(fault.error)
        if fault and not fault.comes_after and (broken := await fault.commit(request)):
            return broken
        response = web.Response(text="ok")
        try:
            body = await _read_arguments(request)
            self._handles.answer_through(request.path, body)
            self._world.note("from bot", "response_url", _short(body), body)
        except Refused as refusal:
            response = _refuse_hook(refusal.error)
            self._world.note("from bot", "response_url", f"refused: {refusal.error}")
        if fault and fault.comes_after:
            return await fault.commit(request) or response
        return response


def _named_by(method: str) -> frozenset[str]:
    known = METHODS.get(method)
    return frozenset() if known is None else frozenset({*known.required, *known.optional})


async def _read_arguments(request: web.Request) -> Json:
    """Query, form or JSON; null is as good as absent."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        given |= body
    else:
        given |= dict(await request.post())
    for name in _STRUCTURED & given.keys():
        given[name] = _structured(name, given[name])
    given = {name: value for name, value in given.items() if value is not None}
    if any(isinstance(value, dict | list) for name, value in given.items() if name not in _STRUCTURED):
        raise Refused("invalid_arguments")
    return given


def _structured(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refused(_NOT_JSON.get(name, "invalid_arguments")) from None


def _refuse_hook(error: str) -> web.Response:
    gone = error in ("used_url", "expired_url", "invalid_url")
    return web.Response(status=404 if gone else 400, text=error)


def _short(arguments: Json) -> str:
    """The arguments for a person to read: structures only by their names."""
    return ", ".join(
        f"{name}: {'…' if isinstance(value, dict | list) else str(value)[:80]}" for name, value in arguments.items()
    )
